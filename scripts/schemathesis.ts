/**
 * Holds the HTTP API against its OpenAPI document (`pnpm schemathesis [--seed 1]`): Schemathesis makes requests from the document,
 * right ones and wrong ones, and compares status, headers and body of every response with what the document says. Needs Python 3
 * with pip. The exit status is the verdict.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { register } from "./harness/Account.ts"
import { ServerProcess } from "./harness/ServerProcess.ts"

const version = "4.32.5"
const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, examples: { type: "string", default: "50" } }
})

const directory = mkdtempSync(join(tmpdir(), "fiberchat-openapi-"))
const environment = join(directory, "python")
const run = (command: string, ...parts: ReadonlyArray<string>): boolean =>
  spawnSync(command, parts, { stdio: "inherit", cwd: directory }).status === 0

/** An address of more than 16 KiB is refused before anything in it is looked at. */
writeFileSync(
  join(directory, "schemathesis.toml"),
  "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 413, 415]\n"
)

const server = new ServerProcess({
  CHAT_DATA_DIR: join(directory, "data"),
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_LOG_FORMAT: "json"
})
try {
  const { url } = await server.addresses()
  const { token } = await register(url, "schemathesis")
  const isDone =
    run("python3", "-m", "venv", environment) &&
    run(
      join(environment, "bin", "pip"),
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `schemathesis==${version}`
    ) &&
    run(
      join(environment, "bin", "schemathesis"),
      "run",
      `${url}/docs/openapi.json`,
      ...["--header", `Authorization: Bearer ${token}`, "--seed", values.seed, "--max-examples", values.examples],
      // A logout would end the login of all other requests.
      ...["--exclude-path", "/v1/user/logout", "--continue-on-failure", "--no-color"],
      // Requests that fit the document and are refused all the same: a schema cannot say which phones and ids there are.
      ...["--exclude-checks", "positive_data_acceptance"]
    )
  process.exitCode = isDone && server.isRunning ? 0 : 1
} finally {
  await server.stop(20_000)
  if (/unexpectedly|"level":"(ERROR|FATAL)"/.test(server.output())) process.exitCode = 1
  rmSync(directory, { recursive: true, force: true })
}
