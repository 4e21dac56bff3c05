/**
 * `pnpm mutate [file …]`: changes the code in one small place after the other, and tells which changes no test notices.
 * `pnpm mutate --since <commit>`: only in lines that were changed since then, at most so many of them.
 */
import { execFileSync } from "node:child_process"
import { availableParallelism } from "node:os"
import { relative } from "node:path"
import { parseArgs } from "node:util"
import { Stryker } from "@stryker-mutator/core"
import { type Area, areas, has } from "./mutation/Areas.ts"
import { changedLines } from "./mutation/ChangedLines.ts"

/** Of each area: done in some minutes. */
const linesMax = 100
/** Of the mutants that a test runs into. */
const killedPercentMin = 90

const git = (...args: ReadonlyArray<string>): string => execFileSync("git", args, { encoding: "utf8" })

const { values, positionals } = parseArgs({ options: { since: { type: "string" } }, allowPositionals: true })
/** The part of an area that is to be mutated: globs, files, or ranges of lines of them. */
const chosen = (area: Area): ReadonlyArray<string> => {
  if (values.since === undefined) {
    return positionals.length === 0 ? area.patterns : positionals.filter((file) => has(area, file.replace(/:.*$/, "")))
  }
  const diff = git("diff", "--unified=0", "--no-color", "--no-ext-diff", values.since, "--", "src")
  const { ranges, lines, left } = changedLines(diff, (file) => has(area, file), linesMax)
  console.log(`${lines} of ${lines + left} lines of ${area.name} that were changed since ${values.since}`)
  return ranges
}

const survivors: Array<string> = []
let killed = 0
for (const area of areas) {
  const mutate = chosen(area)
  if (mutate.length === 0) continue
  process.env["MUTATION_TESTS"] = area.tests.join(",")
  const results = await new Stryker({
    mutate: [...mutate],
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner"],
    vitest: { configFile: "vitest.mutation.config.ts", related: false },
    concurrency: availableParallelism(),
    coverageAnalysis: "perTest",
    // A module computes its constants once: a mutant of one would need a process of its own.
    ignoreStatic: true,
    // The texts of logs and errors are no behaviour; methods, codes and routes are compared with the documents.
    mutator: { excludedMutations: ["StringLiteral"] },
    // Stryker would read it with TypeScript's JavaScript API, which TypeScript 7 has not. A database's socket cannot be copied.
    ignorePatterns: ["tsconfig.json", ".infra", ".data"],
    reporters: ["progress-append-only"],
    allowEmpty: true
  }).runMutationTest()
  for (const { fileName, location, mutatorName, replacement = "", status } of results) {
    if (status === "Killed" || status === "Timeout") killed += 1
    if (status !== "Survived" && status !== "NoCoverage") continue
    const change = replacement.replace(/\s+/g, " ").slice(0, 100)
    survivors.push(
      `${status} ${relative(process.cwd(), fileName)}:${location.start.line}:${location.start.column} ${mutatorName}: ${change}`
    )
  }
}
const total = killed + survivors.length
const percent = total === 0 ? 100 : (100 * killed) / total
console.log(survivors.toSorted().join("\n"))
console.log(`${killed} of ${total} mutants killed, ${percent.toFixed(1)} %`)
process.exit(percent < killedPercentMin ? 1 : 0)
