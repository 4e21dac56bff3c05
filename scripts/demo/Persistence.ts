/** A client that does not give up: it comes back by itself, after a short and random while, as often as it must. */
import type { Chance } from "../harness/Chance.ts"
import { pause } from "../harness/Waiting.ts"
import type { ChatClient } from "./ChatClient.ts"

/** The wait before an attempt is anything up to a bound that doubles with each one in vain. */
const backoffMillis = { first: 10, most: 250 }
/** Long enough for a server to be started anew on a slow machine. */
const patienceMillis = 20_000

/** Keeps one client connected to a URL, whatever happens to its sockets, until it is stopped. */
export class Persistence {
  /** Times that it came back after a loss. */
  returns = 0
  /** Attempts that came to nothing. */
  inVain = 0
  private readonly client: ChatClient
  private readonly url: string
  private readonly chance: Chance
  private isComing = false
  private isStopped = false

  constructor(client: ChatClient, url: string, chance: Chance) {
    this.client = client
    this.url = url
    this.chance = chance
    client.onLost = () => {
      this.comeBack()
    }
  }

  /** Whether the client is connected. */
  get isHome(): boolean {
    return !this.isComing && this.client.isConnected
  }

  /** Lets the client be as it was before: the next loss of its socket is a fault. */
  stop(): void {
    this.isStopped = true
    this.client.onLost = undefined
  }

  private async comeBack(): Promise<void> {
    if (this.isComing || this.isStopped) return
    this.isComing = true
    const end = performance.now() + patienceMillis
    let failure: unknown
    for (let attempt = 0; !this.isStopped && !this.client.isBroken(); attempt += 1) {
      if (performance.now() > end) {
        this.client.faults.push(`it does not get back within ${patienceMillis} ms: ${failure}`)
        break
      }
      await pause(this.chance.between(0, Math.min(backoffMillis.most, backoffMillis.first * 2 ** attempt)))
      // Before each attempt: one that was ready for a moment only has sent something, too.
      this.client.requeue([])
      try {
        await this.client.connect(this.url)
        this.returns += 1
        break
      } catch (error) {
        this.inVain += 1
        failure = error
      }
    }
    this.isComing = false
  }
}
