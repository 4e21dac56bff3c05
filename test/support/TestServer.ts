/** The real server on a free port with a data directory of its own, for tests that talk to it over sockets. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { InternalAddress } from "../../src/http/internal/InternalServer.ts"
import * as Server from "../../src/http/Server.ts"
import * as App from "../../src/layers/App.ts"
import * as Logging from "../../src/layers/settings/Logging.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { backendSettings } from "./Backend.ts"

export class TestServer extends Context.Service<
  TestServer,
  {
    /** `http://127.0.0.1:<port>` */
    readonly url: string
    /** `ws://127.0.0.1:<port>/ws` */
    readonly chatUrl: string
    /** The internal listener, `http://127.0.0.1:<port>`. */
    readonly internalUrl: string
  }
>()("fiberchat/test/TestServer") {}

const defaults = {
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_RATE_LIMIT: "off",
  CHAT_LOG_LEVEL: "error",
  CHAT_LOG_FORMAT: "json"
}

const address = Layer.effect(
  TestServer,
  Effect.gen(function* () {
    const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
    const internalUrl = yield* InternalAddress
    return TestServer.of({ url, chatUrl: `${url.replace("http", "ws")}/ws`, internalUrl })
  })
)

/** A directory that is removed when the scope ends. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "fiberchat-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** The server with these settings changed. Its services are there, too, for what has no outside. */
export const layer = (settings: Record<string, string> = {}) =>
  Layer.unwrap(
    Effect.map(Effect.all([temporaryDirectory, backendSettings]), ([directory, backend]) =>
      address.pipe(
        Layer.provideMerge(Server.layer),
        Layer.provideMerge(App.layer),
        Layer.provideMerge(Logging.layer),
        Layer.provideMerge(Settings.layer),
        Layer.provide(
          ConfigProvider.layer(
            ConfigProvider.fromEnvRecord({ ...defaults, ...backend, CHAT_DATA_DIR: directory, ...settings })
          )
        )
      )
    )
  )
