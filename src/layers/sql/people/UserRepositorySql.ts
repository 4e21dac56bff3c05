/** {@link UserRepository} on SQL. */
import { Clock, Effect, Layer, Option } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { findMax, type Phone, type User, UserRepository } from "../../../domain/accounts/User.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { isUniqueViolation, storeFailure } from "../database/Sql.ts"
import { limitTo } from "../database/SqlDialect.ts"

interface UserRow {
  readonly id: UserId
  readonly phone: Phone
  readonly password_hash: string
  readonly nickname: string
  readonly sex: 0 | 1 | 2
  readonly avatar: string
}

const userOf = (row: UserRow): User => ({
  id: row.id,
  phone: row.phone,
  passwordHash: row.password_hash,
  nickname: row.nickname,
  sex: row.sex,
  avatar: row.avatar
})

/** Code points of a key that are kept: one character can become up to eighteen. */
const nicknameKeyMax = 128

/** The form in which nicknames are compared: SQL's own case folding knows ASCII only. */
const nicknameKey = (nickname: string): string =>
  [...nickname.normalize("NFKC").toLowerCase()].slice(0, nicknameKeyMax).join("")

/** The first text after all those that begin with the prefix. */
const prefixEnd = (prefix: string): string => `${prefix}\u{10ffff}`

export const layer = Layer.effect(
  UserRepository,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal("id, phone, password_hash, nickname, sex, avatar")

    const findOne = (condition: Statement.Fragment) =>
      sql<UserRow>`SELECT ${columns} FROM users WHERE ${condition}`.pipe(
        Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), userOf)),
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
        const rows = yield* sql<UserRow>`
          SELECT ${columns} FROM users WHERE ${sql.and(clauses)} ORDER BY nickname_key, id ${limitTo(sql, findMax)}
        `.pipe(Effect.catch(storeFailure))
        return rows.map(userOf)
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
      })
    })
  })
)
