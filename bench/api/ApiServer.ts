/** The server whose answers are measured: a process of its own on a store that was filled before. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeScratch } from "../../infra/scratch.ts"
import { forAllRounds, infraParts, type Part, stopMillisMax } from "../durable/Contender.ts"
import { profileArguments } from "../durable/CpuProfile.ts"
import { invented, launchScript, listening, settings } from "../ServerUnderTest.ts"
import { type FilledStore, fill, type StoreSize } from "./FilledStore.ts"

/** The server's stores: its own SQLite file, or MySQL behind Kafka. */
export const storeNames = ["embedded", "infra"] as const
export type StoreName = (typeof storeNames)[number]

export interface ApiServer {
  readonly name: StoreName
  readonly title: string
  readonly url: string
  readonly store: FilledStore
  /** The server first, then the database and the broker where they are processes of this machine. */
  readonly parts: ReadonlyArray<Part>
  readonly directory: string
}

/** Registers a step of the cleanup, at once, so that a run which is cut short cleans up, too. The last step is done first. */
export type Undo = (undo: () => Promise<void> | void) => void

const titles: Record<StoreName, string> = { embedded: "embedded: SQLite", infra: "infra: MySQL, Kafka" }

/** Fills a store that is empty and goes with the server. MySQL and Kafka must be up. */
export const start = async (
  name: StoreName,
  size: StoreSize,
  isProfiled: boolean,
  say: (line: string) => void,
  atEnd: Undo
): Promise<ApiServer> => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-bench-"))
  atEnd(() => rmSync(directory, { recursive: true, force: true }))
  const scratch = name === "infra" ? await makeScratch("bench") : undefined
  if (scratch !== undefined) atEnd(scratch.remove)
  const own = { ...settings, ...forAllRounds, ...scratch?.settings, CHAT_DATA_DIR: directory }
  const since = performance.now()
  const store = await fill(own, size)
  say(`${titles[name]}: ${store.messages} messages in ${((performance.now() - since) / 1000).toFixed(1)} s`)
  const preload = isProfiled ? profileArguments : []
  const { server, said: url } = await launchScript("../src/main.ts", { preload, env: own, says: listening })
  atEnd(async () => void (await server.stop(stopMillisMax)))
  const part: Part = { name: "server", pid: server.pid }
  const parts = [part, ...(name === "infra" ? infraParts() : [])]
  return { name, title: titles[name], url, store, parts, directory }
}

/** The part of a group with members that this needs. */
export type GroupServer = Pick<ApiServer, "url" | "parts"> & {
  readonly store: Pick<FilledStore, "members" | "groupId">
}

/** The least that can bring a message to so many: a bare relay, which stores nothing. */
export const startRelay = async (members: number, atEnd: Undo): Promise<GroupServer> => {
  const { server, said: url } = await launchScript("servers/bareWs.ts", { preload: [], env: {}, says: listening })
  atEnd(async () => void (await server.killed()))
  return {
    url,
    parts: [{ name: "server", pid: server.pid }],
    store: { members: invented(members), groupId: "0" as FilledStore["groupId"] }
  }
}
