/** The form that every answer must have, and the answers without it. */
import { errorTable } from "../../src/domain/shared/ErrorTable.ts"

/** Violations that are told one by one; more are counted. */
const toldMax = 20

const statusOfCode: ReadonlyMap<number, number> = new Map(
  Object.values(errorTable).map(({ code, status }) => [code, status])
)

export class Verdict {
  cases = 0
  /** Commands and queries on sockets that were not refused. */
  succeeded = 0
  readonly codes = new Map<number, number>()
  readonly violations: Array<string> = []
  private readonly say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.say = say
  }

  violated(what: string, sent: string): void {
    this.violations.push(what)
    if (this.violations.length <= toldMax) this.say(`VIOLATION: ${what}\n  after ${sent.slice(0, 2_000)}`)
  }

  /** An answer with a code. `status` is that of HTTP; 200 is a success. */
  answered(code: unknown, sent: string, status?: number): void {
    const number = Number(code)
    this.codes.set(number, (this.codes.get(number) ?? 0) + 1)
    if (number === errorTable.ServerError.code) return this.violated("the server failed (100001)", sent)
    const expected = number === 200 ? 200 : statusOfCode.get(number)
    if (expected === undefined) return this.violated(`a code that is not in the table: ${code}`, sent)
    if (status !== undefined && status !== expected) this.violated(`code ${code} with status ${status}`, sent)
  }
}
