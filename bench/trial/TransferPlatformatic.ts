/** `src/layers/transfer/TransferKafka.ts` with `@platformatic/kafka` in the place of kafkajs: to be measured beside it. */
import { Effect, Layer } from "effect"
import { Transfer } from "../../src/domain/cluster/Transfer.ts"
import { Settings } from "../../src/layers/settings/Settings.ts"
import { makePublisher } from "../../src/layers/transfer/KafkaPublisher.ts"
import { asKafkajs } from "./PlatformaticClient.ts"
import { consumeFrom } from "./PlatformaticConsumer.ts"

export const layer = Layer.effect(
  Transfer,
  Effect.gen(function* () {
    const { transfer: settings } = yield* Settings
    if (settings._tag !== "Kafka") return yield* Effect.die(new Error("not configured for Kafka"))
    const publisher = yield* makePublisher(asKafkajs(settings), settings)
    /** Whether the consumer reads; it counts where there is one. */
    let isReading = true
    return Transfer.of({
      ...publisher,
      isConnected: () => publisher.isConnected() && isReading,
      consume: (consumer) =>
        consumeFrom(settings, consumer, publisher.settle, (running) => {
          isReading = running
        })
    })
  })
)
