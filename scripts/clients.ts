/**
 * Clients of the HTTP API in other languages (`pnpm clients [python|go|kotlin|swift|typescript]…`): made from the OpenAPI document by
 * the generators that are used most, and for Python and Go compiled and run: two users chat. Needs Python 3 with pip, and for
 * the others than Python and TypeScript Java 17 with Maven; for Go also Go. The exit status is the verdict.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ServerProcess } from "./harness/ServerProcess.ts"

const generator = "org.openapitools:openapi-generator-cli:7.14.0"
const directory = mkdtempSync(join(tmpdir(), "fiberchat-clients-"))
const document = join(directory, "openapi.json")

const run = (cwd: string, command: string, ...parts: ReadonlyArray<string>): void => {
  const { status, stdout, stderr } = spawnSync(command, parts, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
  const said = `${stdout}${stderr}`.trim()
  if (status !== 0) throw new Error(`${command} ${parts.join(" ")} ended with ${status}:\n${said.slice(-4_000)}`)
}

/** Where a client goes. */
const folder = (name: string): string => {
  const path = join(directory, name)
  mkdirSync(path)
  return path
}

let hasGenerator = false
const generated = (language: string, properties: string): string => {
  if (!hasGenerator)
    run(directory, "mvn", "-q", "dependency:copy", `-Dartifact=${generator}`, `-DoutputDirectory=${directory}`)
  hasGenerator = true
  const path = folder(language)
  const [, name, version] = generator.split(":")
  const jar = join(directory, `${name}-${version}.jar`)
  run(
    path,
    "java",
    "-jar",
    jar,
    "generate",
    "-i",
    document,
    "-g",
    language,
    "-o",
    path,
    `--additional-properties=${properties}`
  )
  return path
}

const source = (name: string) => join(import.meta.dirname, "clients", name)

const clients: Record<string, (url: string) => void> = {
  python: (url) => {
    const path = folder("python")
    const bin = (name: string) => join(path, "env", "bin", name)
    run(path, "python3", "-m", "venv", "env")
    run(path, bin("pip"), "install", "--quiet", "openapi-python-client==0.29.1", "websockets==16.0")
    run(
      path,
      bin("openapi-python-client"),
      "generate",
      "--path",
      document,
      "--meta",
      "none",
      "--output-path",
      "fiberchat"
    )
    copyFileSync(source("chat.py"), join(path, "chat.py"))
    run(path, bin("python"), "chat.py", url)
  },
  go: (url) => {
    const path = generated("go", "packageName=fiberchat,withGoMod=false")
    writeFileSync(join(path, "go.mod"), "module example.org/fiberchat/client\n\ngo 1.23\n")
    mkdirSync(join(path, "chat"))
    copyFileSync(source("chat.go"), join(path, "chat", "main.go"))
    // The tests that come with the client are frames to be filled in.
    rmSync(join(path, "test"), { recursive: true, force: true })
    run(path, "go", "get", "github.com/coder/websocket@v1.8.14")
    run(path, "go", "mod", "tidy")
    run(path, "go", "vet", "./...")
    run(path, "go", "run", "./chat", url)
  },
  kotlin: () => void generated("kotlin", "packageName=fiberchat"),
  swift: () => void generated("swift6", "projectName=Fiberchat"),
  typescript: () => {
    const path = folder("typescript")
    run(path, "npx", "-y", "openapi-typescript@7.13.0", document, "-o", "fiberchat.ts")
    run(
      join(import.meta.dirname, ".."),
      "npx",
      "tsc",
      "--noEmit",
      "--strict",
      "--ignoreConfig",
      join(path, "fiberchat.ts")
    )
  }
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(clients)
const server = new ServerProcess({
  CHAT_DATA_DIR: join(directory, "data"),
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_LOG_FORMAT: "json"
})
try {
  const { url } = await server.addresses()
  writeFileSync(document, await (await fetch(`${url}/docs/openapi.json`)).text())
  for (const name of wanted) {
    const make = clients[name]
    if (make === undefined) throw new Error(`no client for ${name}; there are ${Object.keys(clients).join(", ")}`)
    make(url)
    process.stdout.write(`${name}: the client is made, and works\n`)
  }
} finally {
  await server.stop(20_000)
  rmSync(directory, { recursive: true, force: true })
}
