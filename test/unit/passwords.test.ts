import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PasswordHasher } from "../../src/domain/accounts/User.ts"
import { layer } from "../../src/layers/auth/PasswordHasherArgon2.ts"

const home = "203.0.113.1"

describe("password hashing", () => {
  it.live("says yes to the password only, with a salt of its own for each hash", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const [one, two] = yield* Effect.all([hasher.hash("correct horse", home), hasher.hash("correct horse", home)])
      assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      assert.notStrictEqual(one, two)
      assert.isTrue(yield* hasher.verify("correct horse", one, home))
      assert.isFalse(yield* hasher.verify("correct horsf", one, home))
      assert.isFalse(yield* hasher.verify("correct horse", "$argon2id$nonsense", home))
    }).pipe(Effect.provide(layer))
  )

  it.live("reads hashes of other costs, so that the cost can be raised one day", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      // argon2id of "password" with the salt "somesalt", from the reference implementation's own tests.
      const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
      assert.isTrue(yield* hasher.verify("password", reference, home))
      assert.isFalse(yield* hasher.verify("passwore", reference, home))
    }).pipe(Effect.provide(layer))
  )

  it.live("works as long for a user who does not exist, and says no", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const known = yield* hasher.hash("correct horse", home)
      const timed = (hash: string | undefined) =>
        Effect.gen(function* () {
          const since = process.hrtime.bigint()
          assert.isFalse(yield* hasher.verify("wrong", hash, home))
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

  const networks = (count: number) => Array.from({ length: count }, (_, index) => `198.51.100.${index}`)

  it.live("turns callers away when too many wait, of a network or of all, and serves the others", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const refusedOf = (callers: ReadonlyArray<string>) =>
        Effect.map(
          Effect.all(
            callers.map((network) => Effect.result(hasher.verify("wrong", undefined, network))),
            { concurrency: "unbounded" }
          ),
          (results) => {
            const refused = results.filter((result) => result._tag === "Failure")
            assert.isTrue(refused.every((result) => result.failure._tag === "Overloaded"))
            return refused.length
          }
        )
      assert.strictEqual(yield* refusedOf(Array.from({ length: 20 }, () => home)), 4)
      assert.strictEqual(yield* refusedOf(networks(70)), 6)
    }).pipe(Effect.provide(layer))
  )

  it.live("takes networks in turns: a caller from elsewhere waits for few of those that came before", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const done: Array<string> = []
      const call = (network: string) =>
        Effect.tap(hasher.verify("wrong", undefined, network), () => Effect.sync(() => void done.push(network)))
      yield* Effect.all([...Array.from({ length: 16 }, () => call(home)), call("elsewhere")], {
        concurrency: "unbounded"
      })
      // Two run when it comes, and one of the others goes before it.
      assert.isAtMost(done.indexOf("elsewhere"), 4)
    }).pipe(Effect.provide(layer))
  )

  it.live("counts callers that have gone for as long as their work goes on", () =>
    Effect.gen(function* () {
      const hasher = yield* PasswordHasher
      const gone = yield* Effect.forEach(networks(64), (network) =>
        Effect.forkChild(hasher.verify("wrong", undefined, network), { startImmediately: true })
      )
      for (const fiber of gone) fiber.interruptUnsafe()
      const error = yield* Effect.flip(hasher.verify("wrong", undefined, home))
      assert.isTrue(error._tag === "Overloaded")
    }).pipe(Effect.provide(layer))
  )
})
