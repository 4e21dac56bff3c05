/** A load generator as a process of its own, seen from the benchmark. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { Answer, Measurement, Order } from "./load.ts"

export class LoadProcess {
  private readonly child: ChildProcess
  private readonly failed: Promise<never>

  constructor() {
    this.child = fork(join(import.meta.dirname, "load.ts"))
    this.failed = new Promise<never>((_, reject) =>
      this.child.once("exit", (code) => reject(new Error(`the load generator ended with ${code}`)))
    )
    this.failed.catch(() => {})
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the load generator has no process")
    return this.child.pid
  }

  async measure(order: Extract<Order, { _tag: "Flood" | "Pace" }>): Promise<Measurement> {
    const { measurement } = await this.order(order)
    if (measurement === undefined) throw new Error("nothing was measured")
    return measurement
  }

  /** Fails with what went wrong at the generator or, as it sees it, at the server. */
  async order(order: Order): Promise<Answer> {
    const answered = new Promise<Answer>((resolve) => {
      this.child.once("message", (answer) => resolve(answer as Answer))
    })
    this.child.send(order)
    const answer = await Promise.race([this.failed, answered])
    if (answer.problem !== undefined) throw new Error(answer.problem)
    return answer
  }

  end(): void {
    this.child.kill("SIGKILL")
  }
}
