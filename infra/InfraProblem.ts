/** Why the servers cannot be had, in one line that says what to do. */
export class InfraProblem extends Error {
  override readonly name = "InfraProblem"
}
