/** The ways to ask who are contacts, which must say the same. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

/** Holds each answer about these users, and about some that do not exist, against their lists. */
export const agree = Effect.fnUntraced(function* (known: ReadonlyArray<string>) {
  const contacts = yield* Contacts
  const userIds = [...known, "9", "18446744073709551615"] as ReadonlyArray<string> as ReadonlyArray<UserId>
  const expected: Array<string> = []
  for (const userId of userIds) {
    const list = yield* contacts.list(userId)
    expected.push(...list.map((otherId) => `${userId} ${otherId}`))
    for (let length = 0; length <= userIds.length; length++) {
      const asked = userIds.slice(0, length)
      const wanted = list.filter((otherId) => asked.includes(otherId))
      assert.sameMembers([...(yield* contacts.among(userId, [...asked, ...asked], "showPresence"))], wanted)
    }
  }
  const pairs = userIds.flatMap((userId) => userIds.map((otherId) => ({ userId, otherId })))
  assert.sameMembers(
    (yield* contacts.pairs(pairs, "showPresence")).map(({ userId, otherId }) => `${userId} ${otherId}`),
    expected
  )
  assert.deepStrictEqual(yield* contacts.pairs([], "showPresence"), [])
})
