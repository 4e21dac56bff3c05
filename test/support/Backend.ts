/**
 * What a run's servers store in: SQLite and the queue within the process, or MySQL and Kafka, where the run is told so
 * (`TEST_BACKEND=infra`, vitest.config.ts).
 */
import { Effect } from "effect"
import { makeScratch } from "../../infra/scratch.ts"

const isInfra = process.env["TEST_BACKEND"] === "infra"

/** A database and a topic of one's own on MySQL and Kafka, removed with the scope. */
export const scratch = Effect.acquireRelease(
  Effect.promise(() => makeScratch("test")),
  ({ remove }) => Effect.promise(remove)
)

/** Settings of a server with an empty store. */
export const backendSettings = isInfra
  ? Effect.map(scratch, ({ settings }) => settings)
  : Effect.succeed<Readonly<Record<string, string>>>({})
