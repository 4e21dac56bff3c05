/** {@link UserRepository} on SQL. */
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { findMax, Phone, Sex, type User, UserRepository } from "../../../domain/accounts/User.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import { UserId } from "../../../domain/shared/Ids.ts"
import { nicknameKey } from "../database/NicknameKey.ts"
import { rowAs, rowsAs } from "../database/Rows.ts"
import { inTransaction, isUniqueViolation, nextVersion, storeFailure } from "../database/Sql.ts"
import { limitTo } from "../database/SqlDialect.ts"
import { PrivacyRow, privacyColumns, privacyUpdate } from "./PrivacyRows.ts"

const UserRow: Schema.Codec<User, unknown> = Schema.Struct({
  id: UserId,
  phone: Phone,
  passwordHash: Schema.String,
  nickname: Schema.String,
  sex: Sex,
  avatar: Schema.String
}).pipe(Schema.encodeKeys({ passwordHash: "password_hash" }))

/** A text after all nicknames that begin with the prefix: U+10FFFF is no character. */
const prefixEnd = (prefix: string): string => `${prefix}\u{10ffff}`

export const layer = Layer.effect(
  UserRepository,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal("id, phone, password_hash, nickname, sex, avatar")

    const findOne = (condition: Statement.Fragment) =>
      sql`SELECT ${columns} FROM users WHERE ${condition}`.pipe(
        rowAs(UserRow),
        Effect.map(Option.fromUndefinedOr),
        Effect.catch(storeFailure)
      )

    return UserRepository.of({
      insert: Effect.fn("UserRepository.insert")(function* (user) {
        yield* sql`INSERT INTO users ${sql.insert({
          id: user.id,
          phone: user.phone,
          password_hash: user.passwordHash,
          nickname: user.nickname,
          nickname_key: nicknameKey(user.nickname),
          sex: user.sex,
          avatar: user.avatar,
          created_at: yield* Clock.currentTimeMillis
        })}`.pipe(
          Effect.catch(
            (error): Effect.Effect<never, Failure<"PhoneTaken" | "DatabaseError">> =>
              isUniqueViolation(error) ? Effect.fail(failure("PhoneTaken")) : storeFailure(error)
          )
        )
      }),

      findById: (id) => findOne(sql`id = ${id}`),
      findByPhone: (phone) => findOne(sql`phone = ${phone}`),

      find: Effect.fn("UserRepository.find")(function* ({ namePrefix, phone, ids }) {
        const clauses: Array<Statement.Fragment> = []
        if (phone !== undefined) clauses.push(sql`phone = ${phone}`)
        if (ids !== undefined) clauses.push(ids.length === 0 ? sql`1 = 0` : sql`id IN ${sql.in(ids)}`)
        if (namePrefix !== undefined) {
          const key = nicknameKey(namePrefix)
          clauses.push(sql`nickname_key >= ${key} AND nickname_key < ${prefixEnd(key)}`)
        }
        if (clauses.length === 0) return []
        return yield* sql`
          SELECT ${columns} FROM users WHERE ${sql.and(clauses)} ORDER BY nickname_key, id ${limitTo(sql, findMax)}
        `.pipe(rowsAs(UserRow), Effect.catch(storeFailure))
      }),

      update: Effect.fn("UserRepository.update")(function* (id, change) {
        const columns = {
          ...(change.nickname === undefined
            ? {}
            : { nickname: change.nickname, nickname_key: nicknameKey(change.nickname) }),
          ...(change.sex === undefined ? {} : { sex: change.sex }),
          ...(change.avatar === undefined ? {} : { avatar: change.avatar })
        }
        if (Object.keys(columns).length === 0) return
        yield* sql`UPDATE users SET ${sql.update(columns)} WHERE id = ${id}`.pipe(Effect.catch(storeFailure))
      }),

      privacy: (id) =>
        sql`SELECT ${sql.literal(privacyColumns)} FROM users WHERE id = ${id}`.pipe(
          rowAs(PrivacyRow),
          Effect.map(Option.fromUndefinedOr),
          Effect.catch(storeFailure)
        ),

      changePrivacy: Effect.fn("UserRepository.changePrivacy")(
        function* (id, change) {
          const columns = privacyUpdate(change)
          if (Object.keys(columns).length === 0) return
          // The lock under which users join groups: none is between the answer to this and its effect.
          yield* nextVersion(sql)
          yield* sql`UPDATE users SET ${sql.update(columns)} WHERE id = ${id}`
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      )
    })
  })
)
