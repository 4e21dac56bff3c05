/** Users that are put into a repository without HTTP. */
import { Effect } from "effect"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

/** Privacy as open as it is sensible to test with: contacts see everything, and everybody adds to groups. */
export const open = { showPhone: "contacts", showPresence: "contacts", addToGroups: "everyone" } as const

/** Users that exist and are {@link open}; "9" does not. */
export const userIds = ["1", "2", "10"]

export const insertUsers = Effect.gen(function* () {
  const repository = yield* UserRepository
  for (const id of userIds) {
    yield* repository.insert({
      id: id as UserId,
      phone: `+3361234${id.padStart(4, "0")}` as Phone,
      passwordHash: "-",
      nickname: id,
      sex: 0,
      avatar: ""
    })
    yield* repository.changePrivacy(id as UserId, open)
  }
})
