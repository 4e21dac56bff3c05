/** {@link Transfer} over Kafka: a publisher where there are connections, a consumer where there is a store. */
import { Effect, Layer } from "effect"
import { MessageStore } from "../../domain/messages/MessageStore.ts"
import { Transfer } from "../../domain/messages/Transfer.ts"
import { Settings } from "../settings/Settings.ts"
import { makeKafka } from "./KafkaClient.ts"
import { consumeFrom } from "./KafkaConsumer.ts"
import { makePublisher } from "./KafkaPublisher.ts"

export const layer = Layer.effect(
  Transfer,
  Effect.gen(function* () {
    const { transfer: settings } = yield* Settings
    if (settings._tag !== "Kafka") return yield* Effect.die(new Error("not configured for Kafka"))
    const kafka = yield* makeKafka(settings)
    const { decided } = yield* MessageStore
    const publisher = yield* makePublisher(kafka, settings, decided)
    /** Whether the consumer reads; it counts where there is one. */
    let isReading = true
    return Transfer.of({
      ...publisher,
      isConnected: () => publisher.isConnected() && isReading,
      consume: (consumer) =>
        consumeFrom(kafka, settings, consumer, publisher.settle, (running) => {
          isReading = running
        })
    })
  })
)
