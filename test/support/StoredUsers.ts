/** Users that are put into a repository without HTTP. */
import { Effect } from "effect"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

/** Users that exist; "9" does not. */
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
  }
})
