/** Presence as a client sees it: what it asks, and what it is told. */
import { Effect } from "effect"
import type { PresenceState } from "../../src/domain/contacts/Presence.ts"
import { FrameType } from "../../src/domain/protocol/Frame.ts"
import { eventually } from "./Eventually.ts"
import { hangMillis } from "./HangLimit.ts"
import type { Peer } from "./Peer.ts"
import { chatFrame, type TestUser } from "./Users.ts"

let asked = 0

/** Asks for the state of these users, and is told of their changes from then on. */
export const watch = (peer: Peer, ...users: ReadonlyArray<{ readonly id: string }>) =>
  Effect.gen(function* () {
    asked += 1
    const id = `watch-${asked}`
    peer.send({ id, method: "presence.watch", data: { userIds: users.map((user) => user.id) } })
    const answer = yield* peer.answer(id)
    return (answer.data as { readonly users: ReadonlyArray<PresenceState> }).users
  })

/** The changes of a user that a peer has been told, in order. */
export const changesOf = (peer: Peer, user: { readonly id: string }): ReadonlyArray<PresenceState> =>
  peer.frames.flatMap(({ method, data }) => {
    const state = data as PresenceState
    return method === "presence.changed" && state.userId === user.id ? [state] : []
  })

/** Waits until the last that a peer was told of a user is this. */
export const toldOf = (peer: Peer, user: { readonly id: string }, online: boolean): Effect.Effect<PresenceState> =>
  eventually(
    () => `${user.id} ${online ? "online" : "offline"}; told were ${JSON.stringify(changesOf(peer, user))}`,
    () => {
      const last = changesOf(peer, user).at(-1)
      return last?.online === online ? last : undefined
    },
    hangMillis
  )

/** Messages both ways, which is what makes contacts. */
export const acquaint = (
  [a, peerOfA]: readonly [TestUser, Peer],
  [b, peerOfB]: readonly [TestUser, Peer]
): Effect.Effect<void> => Effect.andThen(greet(peerOfA, b), greet(peerOfB, a))

const greet = (peer: Peer, receiver: TestUser): Effect.Effect<void> =>
  Effect.suspend(() => {
    const id = `hello ${receiver.id}`
    peer.send(chatFrame(id, receiver, "hello"))
    return Effect.map(peer.answer(id), ({ frameType, data }) => {
      if (frameType !== FrameType.ack) throw new Error(`no greeting: ${JSON.stringify(data)}`)
    })
  })
