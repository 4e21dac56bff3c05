/** Loaded into every server under test: SIGUSR2 collects garbage, so that memory is compared without it. */
process.on("SIGUSR2", () => {
  // Twice: what the first pass only finalises, the second frees.
  for (let pass = 0; pass < 2; pass++) globalThis.gc?.()
})
