/** The conformance suite of the transfer on Kafka. */
import { ConfigProvider, Effect, Layer } from "effect"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as TransferKafka from "../../src/layers/transfer/TransferKafka.ts"
import { transferSuite } from "../conformance/transferSuite.ts"
import { scratch } from "../support/Backend.ts"

/** A topic of its own for each test. */
const kafka = Layer.unwrap(
  Effect.map(scratch, ({ settings }) =>
    TransferKafka.layer.pipe(
      Layer.provide(Layer.mock(MessageStore, { decided: () => Effect.succeed(new Map()) })),
      Layer.provide(Settings.layer),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
    )
  )
)

transferSuite("Kafka", kafka)
