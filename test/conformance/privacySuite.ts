/** The users whom the privacy settings admit, in every implementation (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { type Audience, audiences, type PrivacySetting } from "../../src/domain/accounts/Privacy.ts"
import { UserRepository } from "../../src/domain/accounts/User.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { ann, befriend, bob, type ContactServices, cid, exchange, nobody, start } from "../support/Acquaintances.ts"

const settings = ["showPhone", "showPresence", "addToGroups", "findByPhone", "findById", "findByName"] as const

const change = (userId: UserId, setting: PrivacySetting, audience: Audience) =>
  Effect.flatMap(UserRepository, (users) => users.changePrivacy(userId, { [setting]: audience }))

/** The relation to each of the others at which a setting begins to admit them; the stranger needs `everyone`. */
const needed = { friend: "friends", acquaintance: "contacts", stranger: "everyone" } as const

const admits = (audience: Audience, relation: keyof typeof needed): boolean =>
  audiences.indexOf(audience) >= audiences.indexOf(needed[relation])

export const privacySuite = <E, F>(
  name: string,
  layer: Layer.Layer<ContactServices, E>,
  strict: Layer.Layer<ContactServices, F>
) =>
  describe(`privacy on ${name}`, () => {
    it.effect("is closed to strangers who were answered once, until a user opens it", () =>
      Effect.gen(function* () {
        const { sql, contacts } = yield* start
        const users = yield* UserRepository
        // As a user is who has never set anything.
        const fresh = "77" as UserId
        yield* sql`INSERT INTO users ${sql.insert({
          ...{ id: fresh, phone: "+33612345677", password_hash: "-", nickname: "fresh", nickname_key: "fresh" },
          ...{ sex: 0, avatar: "", created_at: 1 }
        })}`
        assert.deepStrictEqual(
          yield* users.privacy(fresh),
          Option.some({
            showPhone: "friends",
            showPresence: "friends",
            addToGroups: "contacts",
            findByPhone: "everyone",
            findById: "everyone",
            findByName: "everyone"
          } as const)
        )
        yield* exchange(ann, fresh)
        assert.deepStrictEqual(yield* contacts.among(ann, [fresh], "showPhone"), [])
        assert.deepStrictEqual(yield* contacts.among(ann, [fresh], "showPresence"), [])
        assert.deepStrictEqual(yield* contacts.list(ann), [])
        yield* befriend(ann, fresh)
        assert.deepStrictEqual(yield* contacts.among(ann, [fresh], "showPhone"), [fresh])
        assert.deepStrictEqual(yield* contacts.list(ann), [fresh])
        assert.deepStrictEqual(yield* users.privacy(nobody), Option.none())
      }).pipe(Effect.provide(layer))
    )

    for (const [kind, of] of [
      ["", layer],
      [" where messages need friendship", strict]
    ] as const) {
      it.effect(`admits friends, contacts and everyone as each setting says${kind}`, () =>
        Effect.gen(function* () {
          const { contacts } = yield* start
          const isStrict = kind !== ""
          // Ann's friend is Bob. Her acquaintance is Cid, where strangers may write.
          yield* befriend(ann, bob)
          if (!isStrict) yield* exchange(ann, cid)
          for (const setting of settings) {
            for (const audience of audiences) {
              yield* change(ann, setting, audience)
              const seen = [bob, cid].map((userId) => ({ userId, otherId: ann }))
              const expected = [
                ...(admits(audience, "friend") ? [bob] : []),
                ...(admits(audience, isStrict ? "stranger" : "acquaintance") ? [cid] : [])
              ]
              const admitted = (yield* contacts.pairs(seen, setting)).map(({ userId }) => userId)
              assert.sameMembers(admitted, expected, `${setting} ${audience}`)
              // Bob and Cid have nothing to do with each other.
              yield* change(bob, setting, audience)
              const byStranger = yield* contacts.findable(cid, [bob, nobody], setting)
              assert.deepStrictEqual(byStranger, audience === "everyone" ? [bob] : [])
            }
          }
        }).pipe(Effect.provide<ContactServices, E | F, never>(of))
      )
    }

    it.effect("keeps what a change does not name, and changes nobody else's", () =>
      Effect.gen(function* () {
        yield* start
        const users = yield* UserRepository
        yield* users.changePrivacy(ann, { showPhone: "nobody", findById: "contacts" })
        yield* users.changePrivacy(ann, {})
        yield* users.changePrivacy(ann, { findByName: "friends" })
        const open = { showPhone: "contacts", showPresence: "contacts", addToGroups: "everyone" } as const
        const findable = { findByPhone: "everyone", findById: "everyone", findByName: "everyone" } as const
        assert.deepStrictEqual(
          yield* users.privacy(ann),
          Option.some({
            ...open,
            ...findable,
            showPhone: "nobody",
            findById: "contacts",
            findByName: "friends"
          } as const)
        )
        assert.deepStrictEqual(yield* users.privacy(bob), Option.some({ ...open, ...findable }))
      }).pipe(Effect.provide(layer))
    )

    it.effect("shows nothing across a block, and still finds: whoever blocks knows names", () =>
      Effect.gen(function* () {
        const { contacts } = yield* start
        for (const setting of settings) {
          for (const userId of [ann, bob]) yield* change(userId, setting, "everyone")
        }
        yield* contacts.block(ann, bob)
        for (const [one, other] of [
          [ann, bob],
          [bob, ann]
        ] as const) {
          for (const setting of settings) assert.deepStrictEqual(yield* contacts.among(one, [other], setting), [])
          assert.deepStrictEqual(yield* contacts.findable(one, [other], "findById"), [other])
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("knows friends, and who has written, not whom one has written to", () =>
      Effect.gen(function* () {
        const { contacts } = yield* start
        assert.deepStrictEqual(yield* contacts.known(ann, [bob, cid, nobody]), [])
        yield* befriend(ann, bob)
        yield* exchange(cid, bob)
        assert.deepStrictEqual(yield* contacts.known(ann, [bob, cid]), [bob])
        assert.sameMembers([...(yield* contacts.known(bob, [ann, cid, cid]))], [ann, cid])
      }).pipe(Effect.provide(layer))
    )

    it.effect("lists friends' presence as each of them wants it", () =>
      Effect.gen(function* () {
        const { contacts, friends } = yield* start
        yield* befriend(ann, bob)
        yield* change(bob, "showPresence", "nobody")
        assert.deepStrictEqual([yield* friends.visible(ann), yield* contacts.list(ann)], [[], []])
        yield* change(bob, "showPresence", "friends")
        assert.deepStrictEqual([yield* friends.visible(ann), yield* contacts.list(ann)], [[bob], [bob]])
      }).pipe(Effect.provide(layer))
    )
  })
