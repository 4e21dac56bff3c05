/** A process of the server of this checkout, with short clocks. */
import { ServerProcess } from "../../../scripts/harness/ServerProcess.ts"

/** How long the server may take to end by itself before it is killed. */
const graceMillis = 5_000

const settings = {
  CHAT_HOST: "127.0.0.1",
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  // A busy machine must not be late with a confirmation: the frame would be forgotten.
  CHAT_ACK_TIMEOUT: "8 seconds",
  CHAT_ACK_RETRY: "100 millis",
  CHAT_PUSH_RETRY: "250 millis",
  CHAT_PUSH_RETRY_COUNT: "3",
  CHAT_HEARTBEAT_INTERVAL: "2 seconds",
  CHAT_IDLE_TIMEOUT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  // The address is told at this level.
  CHAT_LOG_LEVEL: "info",
  CHAT_LOG_FORMAT: "json"
}

export interface RunningServer {
  readonly url: string
  /** Where other nodes reach it. */
  readonly internalUrl: string
  readonly stop: () => Promise<unknown>
}

/** Starts a process on a free port, and waits until it listens. */
export const startProcess = async (more: Readonly<Record<string, string>>): Promise<RunningServer> => {
  const server = new ServerProcess({ ...settings, ...more })
  const stop = () => server.stop(graceMillis)
  try {
    return { ...(await server.addresses()), stop }
  } catch (problem) {
    await stop()
    throw problem
  }
}
