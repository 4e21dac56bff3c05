/** The conformance suite of the transfer on Kafka, by `@platformatic/kafka`. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { transferSuite } from "../../test/conformance/transferSuite.ts"
import { scratch } from "../../test/support/Backend.ts"
import * as TransferPlatformatic from "./TransferPlatformatic.ts"

/** A topic of its own for each test. */
const kafka = Layer.unwrap(
  Effect.map(scratch, ({ settings }) =>
    TransferPlatformatic.layer.pipe(
      Layer.provide(Settings.layer),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
    )
  )
)

transferSuite("Kafka by @platformatic/kafka", kafka)
