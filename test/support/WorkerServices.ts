/** Workers in the test's own process, and a way to a gateway that can be cut. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../src/layers/App.ts"
import * as Logging from "../../src/layers/settings/Logging.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { TcpGate } from "./TcpGate.ts"

/** The services of a worker, running until the scope ends. */
export const startWorker = (settings: Record<string, string>, worker: typeof App.worker = App.worker) => {
  const quiet = { CHAT_LOG_LEVEL: "error", CHAT_LOG_FORMAT: "json" }
  const config = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...quiet, ...settings, CHAT_ROLE: "worker" }))
  return Layer.build(worker.pipe(Layer.provide(Logging.layer), Layer.provide(Settings.layer), Layer.provide(config)))
}

/** A gate in front of a gateway's internal listener, and the address through it. */
export const gateTo = Effect.fnUntraced(function* (internalUrl: string) {
  const { hostname, port } = new URL(internalUrl)
  const gate = yield* Effect.acquireRelease(
    Effect.promise(() => TcpGate.make({ host: hostname, port: Number(port) })),
    (gate) => Effect.promise(() => gate.close())
  )
  return { gate, throughGate: `http://127.0.0.1:${gate.port}` }
})
