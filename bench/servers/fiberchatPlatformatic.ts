/** This server with one module exchanged: Kafka by `@platformatic/kafka`, in every role. */
import { registerHooks } from "node:module"

const shipped = /\/TransferKafka\.ts$/
const trial = new URL("../trial/TransferPlatformatic.ts", import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => next(shipped.test(specifier) ? trial : specifier, context)
})

await import("../../src/main.ts")
