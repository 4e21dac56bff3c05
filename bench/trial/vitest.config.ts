/** `npx vitest run --config bench/trial/vitest.config.ts`: the trial's tests, which need MySQL and Kafka to be up. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["bench/trial/*.test.ts"],
    env: { TEST_BACKEND: "infra" },
    setupFiles: ["effect/schema/SchemaJITCompiler/enable"],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
