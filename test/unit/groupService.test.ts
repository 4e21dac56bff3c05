/** Joining a group and responding to requests: what is sent as an event, what is kept as a request. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Presence } from "../../src/domain/contacts/Presence.ts"
import { type GroupEvent, Role } from "../../src/domain/groups/Group.ts"
import { GroupInvitations } from "../../src/domain/groups/GroupInvitation.ts"
import type { GroupRequest } from "../../src/domain/groups/GroupRequest.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { GroupService } from "../../src/domain/services/GroupService.ts"
import { MessageSender } from "../../src/domain/services/MessageSender.ts"
import { type AnyFailure, type Failure, failure } from "../../src/domain/shared/Failure.ts"
import {
  type GroupId,
  type GroupInvitationId,
  type GroupRequestId,
  Ids,
  type UserId
} from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import { freeBudgets } from "../support/ActorHarness.ts"

const groupId = "100" as GroupId
const [ann, bob, carl] = ["1" as UserId, "2" as UserId, "3" as UserId]
const author = { senderId: ann, clientId: "join" }
const { none, pass, refuse } = HandleResult

/** The event as the store keeps it when these users decide themselves. */
const without = (event: GroupEvent & { readonly userIds: ReadonlyArray<UserId> }, shut: ReadonlyArray<UserId>) => ({
  ...event,
  userIds: event.userIds.filter((userId) => !shut.includes(userId))
})

interface Stage {
  readonly membership?: { readonly role: Role; readonly isVerify: boolean } | undefined
  /** The result of every event that is sent. */
  readonly sending?: AnyFailure
  /** Users who are left out of what is sent. */
  readonly shut?: ReadonlyArray<UserId>
  /** The request to bring the user in that awaits them. */
  readonly awaiting?: GroupRequest
  /** The stored request, each time that it is read. */
  readonly requests?: ReadonlyArray<Partial<GroupRequest> | undefined>
}

/** Runs a use case; returns its outcome, and in order what it sent and kept. */
const playing = <A>(
  { membership, sending, shut = [], awaiting, requests = [] }: Stage,
  use: (service: GroupService["Service"]) => Effect.Effect<A, AnyFailure>
) =>
  Effect.gen(function* () {
    const done: Array<string> = []
    let reads = 0
    const sender = MessageSender.of({
      publish: () => assert.fail(),
      send: (made: Parameters<MessageSender["Service"]["send"]>[0]) =>
        Effect.suspend(() => {
          const event = Result.isSuccess(made)
            ? (made.success as unknown as { readonly event: GroupEvent }).event
            : undefined
          done.push(`sent ${JSON.stringify(event)}`)
          if (sending !== undefined) return Effect.fail(sending)
          const stored = event !== undefined && "userIds" in event ? without(event, shut) : event
          return Effect.succeed({ content: JSON.stringify(stored), senderId: ann, conversationId: groupId })
        })
    } as unknown as MessageSender["Service"])
    const layer = GroupService.layer.pipe(
      Layer.provide([
        Layer.mock(Groups, {
          membership: () => Effect.succeed(membership),
          addRequests: (added) =>
            Effect.sync(() => {
              done.push(`kept ${added.map(({ userId, inviterId }) => `${inviterId}>${userId}`).join(" ")}`)
              return added.map(({ id, userId }) => ({ id, userId }))
            }),
          awaiting: () => Effect.succeed(awaiting),
          consent: (id) => Effect.sync(() => void done.push(`consented to ${id}`)),
          request: () =>
            Effect.sync(() => requests[Math.min(reads++, requests.length - 1)] as unknown as GroupRequest | undefined),
          close: (_id, result, by) => Effect.sync(() => void done.push(`closed ${result} by ${by}`))
        }),
        Layer.mock(GroupInvitations, { idOf: (code) => (code === "code" ? "71" : "1") as GroupInvitationId }),
        Layer.mock(Contacts, {}),
        freeBudgets(),
        Layer.mock(Presence, { opened: () => {}, closed: () => {} }),
        Layer.succeed(MessageSender, sender),
        Layer.succeed(Ids, {
          uniqueId: () => "unique",
          groupRequestId: () => "9" as GroupRequestId,
          groupId: () => groupId,
          userId: () => assert.fail(),
          friendRequestId: () => assert.fail(),
          messageId: () => assert.fail(),
          connectionId: () => assert.fail()
        })
      ])
    )
    const outcome = yield* Effect.flatMap(GroupService, (service) => Effect.result(use(service))).pipe(
      Effect.provide(layer)
    )
    if (Result.isFailure(outcome)) return [outcome.failure._tag, ...done]
    const { handleResult } = (outcome.success ?? {}) as { readonly handleResult?: number }
    return [handleResult === undefined ? "done" : handleResult === pass ? "in" : "asked", ...done]
  })

const joinedEvent = (...userIds: ReadonlyArray<string>) => `sent ${JSON.stringify({ event: "joined", userIds })}`
const inviting = (stage: Stage, ...userIds: ReadonlyArray<UserId>) =>
  playing(stage, ({ join }) => join(author, { groupId, userIds, reqMsg: "let us in" }))

describe("joining a group", () => {
  const outside = { role: Role.former, isVerify: false }

  it.effect("happens at once where no approval is needed, and by managers", () =>
    Effect.gen(function* () {
      for (const membership of [
        { role: Role.member, isVerify: false },
        { role: Role.owner, isVerify: true },
        { role: Role.manager, isVerify: true }
      ]) {
        assert.deepStrictEqual(yield* inviting({ membership }, bob), ["in", joinedEvent(bob)])
      }
    })
  )

  it.effect("is requested where a manager must approve, each user once", () =>
    Effect.gen(function* () {
      const member = { role: Role.member, isVerify: true }
      assert.deepStrictEqual(yield* inviting({ membership: member }, bob, carl, bob), ["asked", "kept 1>2 1>3"])
      // Who only knows the group's id, whatever the group is.
      assert.deepStrictEqual(yield* inviting({ membership: outside }, ann), ["asked", "kept 1>1"])
      // Approval has become necessary meanwhile, or all of them decide themselves.
      const open = { membership: { role: Role.member, isVerify: false }, sending: failure("Forbidden") }
      assert.deepStrictEqual(yield* inviting(open, bob), ["asked", joinedEvent(bob), "kept 1>2"])
    })
  )

  it.effect("is requested for those alone who decide themselves", () =>
    Effect.gen(function* () {
      const stage = { membership: { role: Role.owner, isVerify: true }, shut: [carl] }
      assert.deepStrictEqual(yield* inviting(stage, bob, carl), ["in", joinedEvent(bob, carl), "kept 1>3"])
      const founding = playing(stage, ({ create }) => create(author, { name: "us", userIds: [bob, carl] }))
      const event = { event: "created", name: "us", icon: "", isVerify: false, userIds: [bob, carl] }
      assert.deepStrictEqual(yield* founding, ["done", `sent ${JSON.stringify(event)}`, "kept 1>3"])
    })
  )

  it.effect("happens by an invitation's code, for its user alone", () =>
    Effect.gen(function* () {
      const by = (stage: Stage, ...userIds: ReadonlyArray<UserId>) =>
        playing(stage, ({ join }) =>
          join(author, { groupId, invitation: "code", ...(userIds.length === 0 ? {} : { userIds }) })
        )
      const event = `sent ${JSON.stringify({ event: "joined", userIds: [ann], invitation: "71" })}`
      assert.deepStrictEqual(yield* by({}), ["in", event])
      assert.deepStrictEqual(yield* by({}, ann), ["in", event])
      assert.deepStrictEqual(yield* by({}, bob), ["BadParameters"])
      assert.deepStrictEqual(yield* by({}, ann, bob), ["BadParameters"])
      assert.deepStrictEqual(yield* by({ sending: failure("BadInvitation") }), ["BadInvitation", event])
      assert.deepStrictEqual(yield* by({ sending: failure("Conflict") }), ["Conflict", event])
    })
  )

  it.effect("by who was asked to is an acceptance, which a manager may have to approve", () =>
    Effect.gen(function* () {
      const awaiting = { id: "9" as GroupRequestId, groupId, userId: ann, awaitsUser: true } as GroupRequest
      const event = `sent ${JSON.stringify({ event: "joined", userIds: [ann], asked: true })}`
      const stage = { membership: outside, awaiting }
      assert.deepStrictEqual(yield* inviting(stage, ann), ["in", event])
      const approval = { ...stage, sending: failure("Forbidden") }
      assert.deepStrictEqual(yield* inviting(approval, ann), ["asked", event, "consented to 9"])
      // A member by now: the same frame again finds the first time, another one finds none.
      const member = { membership: { role: Role.member, isVerify: false } }
      assert.deepStrictEqual(yield* inviting(member, ann), ["in", event])
      const other = { ...member, sending: failure("Forbidden") }
      assert.deepStrictEqual(yield* inviting(other, ann), ["Conflict", event])
    })
  )

  it.effect("is not offered to strangers but for themselves, nor in a group that does not exist", () =>
    Effect.gen(function* () {
      const stranger = { membership: outside }
      for (const invited of [[bob], [ann, bob], [bob, ann]]) {
        assert.deepStrictEqual(yield* inviting(stranger, ...invited), ["NoConversation"])
      }
      assert.deepStrictEqual(yield* inviting({ membership: undefined }, ann), ["NoConversation"])
      const full = { membership: { role: Role.owner, isVerify: false }, sending: failure("GroupFull") }
      assert.deepStrictEqual(yield* inviting(full, bob), ["GroupFull", joinedEvent(bob)])
    })
  )
})

describe("a response to a request", () => {
  const pending = {
    id: "9" as GroupRequestId,
    groupId,
    userId: bob,
    inviterId: carl,
    awaitsUser: false,
    handleResult: none
  }
  const approval = `sent ${JSON.stringify({ event: "joined", userIds: [bob], asked: true })}`
  const manager = { role: Role.manager, isVerify: true }
  const responding = (stage: Stage, response: typeof pass | typeof refuse = pass) =>
    playing(stage, ({ respond }) => respond(ann, "9" as GroupRequestId, response))

  it.effect("lets the user in by an event, or closes the request without one", () =>
    Effect.gen(function* () {
      const stage = { membership: manager, requests: [pending] }
      assert.deepStrictEqual(yield* responding(stage), ["done", approval])
      assert.deepStrictEqual(yield* responding(stage, refuse), ["done", `closed ${refuse} by ${ann}`])
    })
  )

  it.effect("of the user who decides is an acceptance, or waits for a manager from now on", () =>
    Effect.gen(function* () {
      const awaiting = { ...pending, userId: ann, awaitsUser: true }
      const acceptance = `sent ${JSON.stringify({ event: "joined", userIds: [ann], asked: true })}`
      const stage = { membership: { role: Role.former, isVerify: true }, requests: [awaiting] }
      assert.deepStrictEqual(yield* responding(stage), ["done", acceptance])
      assert.deepStrictEqual(yield* responding(stage, refuse), ["done", `closed ${refuse} by ${ann}`])
      const approval = { ...stage, sending: failure("Forbidden") }
      assert.deepStrictEqual(yield* responding(approval), ["done", acceptance, "consented to 9"])
    })
  )

  it.effect("has no effect when it repeats the one before, and is a conflict with another", () =>
    Effect.gen(function* () {
      const stage = (handleResult: GroupRequest["handleResult"]) => ({
        membership: manager,
        requests: [{ ...pending, handleResult }]
      })
      assert.deepStrictEqual(yield* responding(stage(pass)), ["done"])
      assert.deepStrictEqual(yield* responding(stage(refuse)), ["Conflict"])
    })
  )

  it.effect("that crosses another one is done where that passed the request too, and otherwise a conflict", () =>
    Effect.gen(function* () {
      for (const sending of [failure("NoRequest"), failure("Conflict")] satisfies ReadonlyArray<
        Failure<"NoRequest" | "Conflict">
      >) {
        const stage = (now: Partial<GroupRequest> | undefined) => ({
          membership: manager,
          sending,
          requests: [pending, now]
        })
        assert.deepStrictEqual(yield* responding(stage({ ...pending, handleResult: pass })), ["done", approval])
        assert.deepStrictEqual(yield* responding(stage({ ...pending, handleResult: refuse })), ["Conflict", approval])
        assert.deepStrictEqual(yield* responding(stage(undefined)), ["Conflict", approval])
      }
    })
  )

  it.effect("is for managers; for strangers neither the request nor the group exists", () =>
    Effect.gen(function* () {
      const requests = [pending]
      assert.deepStrictEqual(yield* responding({ membership: undefined, requests }), ["NoRequest"])
      assert.deepStrictEqual(yield* responding({ membership: { role: Role.member, isVerify: true }, requests }), [
        "NoRequest"
      ])
      assert.deepStrictEqual(yield* responding({ membership: manager, requests: [undefined] }), ["NoRequest"])
    })
  )
})
