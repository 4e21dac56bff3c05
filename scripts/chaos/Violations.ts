/** Every promise of protocol.md section 4 that was not kept, by name, with the id that shows it. */
export const violationKinds = [
  "lost",
  "doubled",
  "gap",
  "out of order",
  "contradicted",
  "altered",
  "not found again",
  "unanswered",
  "against the protocol"
] as const
export type ViolationKind = (typeof violationKinds)[number]

export interface Violation {
  readonly kind: ViolationKind
  /** The message, conversation or connection, and what is wrong with it. */
  readonly what: string
}

export class Violations {
  readonly all: Array<Violation> = []

  add(kind: ViolationKind, what: string): void {
    this.all.push({ kind, what })
  }
}
