/** The line that tells how a fault run goes: rewritten each second on a terminal, a new one now and then elsewhere. */
import { print } from "../harness/Transcript.ts"

const terminalMillis = 1_000
const otherMillis = 10_000

export interface Tally {
  readonly sent: number
  readonly acked: number
  readonly kills: ReadonlyMap<string, number>
  readonly cuts: number
  readonly violations: number
}

export class Progress {
  private readonly isTerminal = process.stdout.isTTY === true

  /** Shows what `tally` says until the returned function is called. */
  start(tally: () => Tally): () => void {
    const startedAt = performance.now()
    let ackedBefore = 0
    const millis = this.isTerminal ? terminalMillis : otherMillis
    const show = () => {
      const { sent, acked, kills, cuts, violations } = tally()
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      const perSecond = Math.round(((acked - ackedBefore) * 1_000) / millis)
      ackedBefore = acked
      const killed = [...kills].map(([name, count]) => `${name} ${count}`).join(", ")
      this.line(
        `${seconds} s · sent ${sent} · acked ${acked} (${perSecond}/s) · killed ${killed} · cut ${cuts} · violations ${violations}`
      )
    }
    const timer = setInterval(show, millis)
    return () => {
      clearInterval(timer)
      if (this.isTerminal) process.stdout.write("\n")
    }
  }

  private line(text: string): void {
    if (this.isTerminal) process.stdout.write(`\r\u001b[K${text}`)
    else print(text)
  }
}
