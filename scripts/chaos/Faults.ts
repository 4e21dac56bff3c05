/** The faults of a run, and their times: processes that are killed and brought back, connections that are cut. */
import type { Chance } from "../harness/Chance.ts"
import { say } from "../harness/Transcript.ts"
import { pause } from "../harness/Waiting.ts"
import type { Target } from "./Cluster.ts"
import type { Device } from "./Device.ts"

/** How long a process stays away after it was killed. */
const absenceMillisMax = 2_000
/** Between two cuts of one client's connection. */
const cutMillis = [50, 300] as const
/** How often a second process goes with the first. */
const togetherChance = 0.2

export class Faults {
  /** Kills so far, by process. */
  readonly kills = new Map<string, number>()
  cuts = 0
  /** Why a process did not come back. */
  failure: unknown
  private readonly targets: ReadonlyArray<Target>
  private readonly pauseMillis: readonly [number, number]
  private readonly devices: ReadonlyArray<Device>
  private readonly chance: Chance
  private readonly away = new Map<Target, Promise<void>>()

  /** Between two kills it waits for `pauseMillis`, somewhere between the two. */
  constructor(
    targets: ReadonlyArray<Target>,
    pauseMillis: readonly [number, number],
    devices: ReadonlyArray<Device>,
    chance: Chance
  ) {
    this.targets = targets
    this.pauseMillis = pauseMillis
    this.devices = devices
    this.chance = chance
    for (const { name } of targets) this.kills.set(name, 0)
  }

  /** Goes on until the time is over; returns when every process is back. */
  async run(until: number): Promise<void> {
    const cutting = this.cutting(until, this.chance.fork())
    while (performance.now() < until && this.failure === undefined) {
      await pause(this.chance.between(...this.pauseMillis))
      this.strike()
      if (this.chance.happens(togetherChance)) this.strike()
    }
    await cutting
    await Promise.all(this.away.values())
    if (this.failure !== undefined) throw this.failure
  }

  /** Kills one of the processes that are there: in random order, but each as often as the others. */
  private strike(): void {
    const there = this.targets.filter((target) => !this.away.has(target))
    const least = Math.min(...there.map(({ name }) => this.kills.get(name) ?? 0))
    const spared = there.filter(({ name }) => this.kills.get(name) === least)
    const target = spared[this.chance.between(0, spared.length - 1)]
    if (target === undefined) return
    const absence = this.chance.between(0, absenceMillisMax)
    this.kills.set(target.name, (this.kills.get(target.name) ?? 0) + 1)
    this.away.set(target, this.replace(target, absence))
  }

  private async replace(target: Target, absence: number): Promise<void> {
    try {
      await target.kill()
      await pause(absence)
      await target.revive()
    } catch (error) {
      say(`${target.name} did not come back: ${error}`)
      this.failure ??= error
    }
    this.away.delete(target)
  }

  private async cutting(until: number, chance: Chance): Promise<void> {
    while (performance.now() < until && this.failure === undefined) {
      await pause(chance.between(...cutMillis))
      this.devices[chance.between(0, this.devices.length - 1)]?.cut()
      this.cuts += 1
    }
  }
}
