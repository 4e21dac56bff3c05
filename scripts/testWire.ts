/** The black-box suite against a running server: `pnpm test:wire http://host:port`. */
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { join } from "node:path"

const argument = process.argv[2]
const url = argument === undefined ? null : URL.parse(argument)
const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search + url.hash === ""
if (process.argv.length !== 3 || !isOrigin) {
  console.error("usage: pnpm test:wire http://host:port")
  process.exit(2)
}

const vitest = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..", "vitest.mjs")
const child = spawn(process.execPath, [vitest, "run", "--project", "wire"], {
  cwd: join(import.meta.dirname, ".."),
  stdio: "inherit",
  env: { ...process.env, WIRE_URL: url.origin }
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal))
child.once("error", (problem) => {
  console.error(`vitest does not start: ${problem.message}`)
  process.exit(1)
})
child.once("exit", (code) => process.exit(code ?? 1))
