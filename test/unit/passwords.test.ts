import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PasswordHasher } from "../../src/domain/accounts/User.ts"
import { layer } from "../../src/layers/auth/PasswordHasherArgon2.ts"

describe("password hashing", () => {
  it.live("says yes to the password only, with a salt of its own for each hash", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const [one, two] = yield* Effect.all([hasher.hash("correct horse"), hasher.hash("correct horse")])
      assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      assert.notStrictEqual(one, two)
      assert.isTrue(yield* hasher.verify("correct horse", one))
      assert.isFalse(yield* hasher.verify("correct horsf", one))
      assert.isFalse(yield* hasher.verify("correct horse", "$argon2id$nonsense"))
    }).pipe(Effect.provide(layer))
  )

  it.live("reads hashes of other costs, so that the cost can be raised one day", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      // argon2id of "password" with the salt "somesalt", from the reference implementation's own tests.
      const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
      assert.isTrue(yield* hasher.verify("password", reference))
      assert.isFalse(yield* hasher.verify("passwore", reference))
    }).pipe(Effect.provide(layer))
  )

  it.live("works as long for a user who does not exist, and says no", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const known = yield* hasher.hash("correct horse")
      const timed = (hash: string | undefined) =>
        Effect.gen(function* () {
          const since = process.hrtime.bigint()
          assert.isFalse(yield* hasher.verify("wrong", hash))
          return Number(process.hrtime.bigint() - since)
        })
      const median = (times: ReadonlyArray<number>) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
      const forKnown: Array<number> = []
      const forUnknown: Array<number> = []
      for (let round = 0; round < 9; round++) {
        forKnown.push(yield* timed(known))
        forUnknown.push(yield* timed(undefined))
      }
      // Answering at once would be a thousand times faster; a factor of three leaves room for a busy machine.
      const ratio = median(forUnknown) / median(forKnown)
      assert.isTrue(ratio > 1 / 3 && ratio < 3, `ratio ${ratio}`)
    }).pipe(Effect.provide(layer))
  )

  it.live("turns callers away when too many wait, and serves the others", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const results = yield* Effect.all(
        Array.from({ length: 70 }, () => Effect.result(hasher.verify("wrong", undefined))),
        { concurrency: "unbounded" }
      )
      const refused = results.filter((result) => result._tag === "Failure")
      assert.strictEqual(refused.length, 6)
      assert.isTrue(refused.every((result) => result.failure._tag === "Overloaded"))
    }).pipe(Effect.provide(layer))
  )

  it.live("counts callers that have gone for as long as their work goes on", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const gone = yield* Effect.forEach(Array.from({ length: 64 }), () =>
        Effect.forkChild(hasher.verify("wrong", undefined), { startImmediately: true })
      )
      for (const fiber of gone) fiber.interruptUnsafe()
      const error = yield* Effect.flip(hasher.verify("wrong", undefined))
      assert.isTrue(error._tag === "Overloaded")
    }).pipe(Effect.provide(layer))
  )
})
