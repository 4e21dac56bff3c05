/** What all files of a run share: the server's address, its users, and how fast peers may speak. */
import { inject } from "vitest"
import type { User } from "./Accounts.ts"

/** Eighteen users serve a whole run, so that a server with a limit on registrations can be tested, too. */
export const names = [
  ...["ann", "bob"],
  ...["carl", "dora"],
  ...["emil", "faye"],
  ...["gina", "hugo"],
  ...["ivan", "jane"],
  ...["kurt", "lisa"],
  ...["mona", "nils"],
  ...["olga", "paul"],
  ...["quin", "rosa"]
] as const
export type Name = (typeof names)[number]

export interface Stage {
  readonly url: string
  /** Frames a second and at once that a connection sends at most; `null` where the server has no limit. */
  readonly pace: { readonly perSecond: number; readonly burst: number } | null
  readonly users: Readonly<Record<Name, User>>
}

declare module "vitest" {
  interface ProvidedContext {
    stage: Stage
  }
}

export const stage = (): Stage => inject("stage")

export const user = (name: Name): User => stage().users[name]
