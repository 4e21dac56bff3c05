/** The servers that Fiberchat runs on in development, whichever way this machine can have them. */
import { ports, type ServerName, serverNames } from "./addresses.ts"
import { InfraProblem } from "./InfraProblem.ts"
import { unreadiness } from "./readiness.ts"

/** How to handle both servers. Everything can fail with {@link InfraProblem}. */
export interface Servers {
  /** How they are had, in words. */
  readonly kind: string
  /** Starts a server where it does not run; does not wait until it answers. */
  readonly start: (name: ServerName) => Promise<void>
  readonly stop: (name: ServerName) => Promise<void>
  /** Whether the server's process is there, as far as that is known. */
  readonly isRunning: (name: ServerName) => boolean
  /** `kill -9`. */
  readonly kill: (name: ServerName) => Promise<void>
  readonly log: (name: ServerName, lines: number) => string
  /** Stops both and removes what they keep. */
  readonly remove: () => Promise<void>
}

/** How long each server may take until it answers. */
const readyMillis = 90_000

/** Starts the servers and waits until each answers a question of the kind that Fiberchat has. */
export const up = async (servers: Servers, names: ReadonlyArray<ServerName> = serverNames): Promise<void> => {
  for (const name of names) await servers.start(name)
  await Promise.all(
    names.map(async (name) => {
      const problem = await unreadiness(name, readyMillis, () => servers.isRunning(name))
      if (problem === undefined) return
      throw new InfraProblem(`${name} does not answer on port ${ports[name]}: ${problem}\n${servers.log(name, 10)}`)
    })
  )
}

/** Whether each server answers, or why not; a line each. */
export const status = (): Promise<ReadonlyArray<{ readonly name: ServerName; readonly problem: string | undefined }>> =>
  Promise.all(serverNames.map(async (name) => ({ name, problem: await unreadiness(name, 0) })))
