import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // What the process runs with, the tests run with.
    setupFiles: ["effect/schema/SchemaJITCompiler/enable"],
    testTimeout: 30_000,
    reporters: ["default", "./test/support/CountReporter.ts"]
  }
})
