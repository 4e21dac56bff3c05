/** {@link PasswordHasher} with Node's own argon2id, which runs on libuv's thread pool. */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto"
import { Effect, Layer, PartitionedSemaphore } from "effect"
import { PasswordHasher } from "../../domain/accounts/User.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 }
/** Each takes 19 MiB and a pool thread; the pool has four, and two stay free for files and DNS. */
const concurrent = 2
/** Hashings that may run or wait, of all networks and of one; one more fails with `Overloaded`. */
const waitingMax = 64
const waitingOfNetworkMax = 16

interface Phc {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly nonce: Buffer
  readonly tag: Buffer
}

const derive = (password: string, nonce: Buffer, options: typeof cost) =>
  Effect.callback<Buffer>((resume) => {
    argon2("argon2id", { message: password, nonce, ...options }, (error, tag) =>
      resume(error === null ? Effect.succeed(tag) : Effect.die(error))
    )
  })

const base64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "")

const format = (nonce: Buffer, tag: Buffer) =>
  `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(nonce)}$${base64(tag)}`

const parse = (hash: string): Phc | undefined => {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash)
  if (match === null) return undefined
  const [, memory = "", passes = "", parallelism = "", nonce = "", tag = ""] = match
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, "base64"),
    tag: Buffer.from(tag, "base64")
  }
}

export const layer = Layer.effect(
  PasswordHasher,
  Effect.gen(function* () {
    const semaphore = yield* PartitionedSemaphore.make<string>({ permits: concurrent })
    let waiting = 0
    const waitingOf = new Map<string, number>()
    const count = (network: string, change: 1 | -1): void => {
      waiting += change
      const ofNetwork = (waitingOf.get(network) ?? 0) + change
      if (ofNetwork === 0) waitingOf.delete(network)
      else waitingOf.set(network, ofNetwork)
    }
    const bounded = <A>(network: string, effect: Effect.Effect<A>): Effect.Effect<A, Failure<"Overloaded">> =>
      Effect.suspend(() => {
        if (waiting >= waitingMax || (waitingOf.get(network) ?? 0) >= waitingOfNetworkMax) {
          return Effect.fail(failure("Overloaded", { retryAfter: 2_000 }))
        }
        count(network, 1)
        // The pool's thread works on when the caller has gone: the permit must stay taken until it is done.
        return Effect.uninterruptible(semaphore.withPermit(network)(effect)).pipe(
          Effect.ensuring(Effect.sync(() => count(network, -1)))
        )
      })

    // Verifying against this takes as long as against a real hash, and no password fits it.
    const decoy: Phc = { ...cost, nonce: randomBytes(16), tag: randomBytes(cost.tagLength) }

    return PasswordHasher.of({
      hash: (password, network) =>
        bounded(
          network,
          Effect.suspend(() => {
            const nonce = randomBytes(16)
            return Effect.map(derive(password, nonce, cost), (tag) => format(nonce, tag))
          })
        ),
      verify: (password, hash, network) =>
        bounded(
          network,
          Effect.suspend(() => {
            const known = hash === undefined ? undefined : parse(hash)
            const { nonce, tag, ...options } = known ?? decoy
            return Effect.map(
              derive(password, nonce, { ...options, tagLength: tag.length }),
              (derived) => known !== undefined && timingSafeEqual(derived, tag)
            )
          })
        )
    })
  })
)
