/** What the suite talks to when no URL is given: one process, or a gateway and a worker on MySQL and Kafka. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeScratch } from "../../../infra/scratch.ts"
import { type RunningServer, startProcess } from "./ServerProcess.ts"

/** Starts one after the other what `start` asks for; ends it in the opposite order, whether or not all has started. */
const started = async (
  start: (undo: (end: () => unknown) => void) => Promise<RunningServer>
): Promise<RunningServer> => {
  const ends: Array<() => unknown> = []
  const stop = async () => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    const { url, internalUrl } = await start((end) => ends.push(end))
    return { url, internalUrl, stop }
  } catch (problem) {
    await stop()
    throw problem
  }
}

const makeDirectory = (undo: (end: () => unknown) => void): string => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-wire-"))
  undo(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** One process with everything in it. */
export const startEmbedded = (): Promise<RunningServer> =>
  started(async (undo) => {
    const server = await startProcess({ CHAT_DATA_DIR: makeDirectory(undo) })
    undo(server.stop)
    return server
  })

/** A gateway and a worker, which know each other by the generated secret in their data directory. */
export const startSplit = (): Promise<RunningServer> =>
  started(async (undo) => {
    const scratch = await makeScratch("wire")
    undo(scratch.remove)
    const settings = { ...scratch.settings, CHAT_DATA_DIR: makeDirectory(undo) }
    const gateway = await startProcess({ ...settings, CHAT_ROLE: "gateway" })
    undo(gateway.stop)
    const worker = await startProcess({ ...settings, CHAT_ROLE: "worker", CHAT_GATEWAYS: gateway.internalUrl })
    undo(worker.stop)
    return gateway
  })
