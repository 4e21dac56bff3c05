/** Ends a run with its slowest files, and with the line that CI reads: "N passed, N failed". */
import type { Reporter, TestModule } from "vitest/node"

/** Files that are told. */
const slowestMax = 8

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    let passed = 0
    // A module that cannot be loaded, or an error outside any test, counts as a failure.
    let failed = errors.length
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === "passed") passed += 1
        if (state === "failed") failed += 1
      }
    }
    const slowest = modules
      .map((module) => ({ name: module.relativeModuleId, millis: module.diagnostic().duration }))
      .sort((one, other) => other.millis - one.millis)
      .slice(0, slowestMax)
    if (modules.length > slowestMax) {
      const lines = slowest.map(({ name, millis }) => `${(millis / 1000).toFixed(1).padStart(7)} s  ${name}`)
      process.stdout.write(`The slowest files:\n${lines.join("\n")}\n`)
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
  }
}
