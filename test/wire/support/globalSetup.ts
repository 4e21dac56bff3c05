/** Before the first file: finds the server of `WIRE_URL`, or starts one, and registers the users of the run. */
import type { TestProject } from "vitest/node"
import { register } from "./Accounts.ts"
import { startEmbedded, startSplit } from "./Servers.ts"
import { type Name, names, type Stage } from "./Stage.ts"

/** Below the 50 frames a second and connection that a server allows unless told otherwise. */
const sharedServerPace = { perSecond: 40, burst: 30 }

const registerAll = async (url: string): Promise<Stage["users"]> => {
  const users: Partial<Record<Name, Stage["users"][Name]>> = {}
  for (const name of names) users[name] = await register(url, name)
  return users as Stage["users"]
}

export default async (project: TestProject): Promise<() => Promise<unknown>> => {
  const given = process.env["WIRE_URL"]
  const start = project.name === "wire-infra" ? startSplit : startEmbedded
  const server = given ? { url: new URL(given).origin, stop: async () => {} } : await start()
  try {
    const pace = given ? sharedServerPace : null
    project.provide("stage", { url: server.url, pace, users: await registerAll(server.url) })
  } catch (problem) {
    await server.stop()
    throw new Error(`the server at ${server.url} cannot be used: ${problem}`, { cause: problem })
  }
  return server.stop
}
