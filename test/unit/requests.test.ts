/** Decisions on requests to become friends and to join groups (protocol.md sections 1.6 and 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  decideResponse as decideFriendResponse,
  decideRequest,
  friendsMax,
  mayRespond,
  type Relation,
  requestsPendingMax
} from "../../src/domain/contacts/FriendRequest.ts"
import { Role } from "../../src/domain/groups/Group.ts"
import {
  checkResponse,
  decideResponse as decideJoinResponse,
  decideRequests,
  groupRequestsPendingMax,
  type NewRequest,
  type RequestView
} from "../../src/domain/groups/GroupRequest.ts"
import { type AnyFailure, failure } from "../../src/domain/shared/Failure.ts"
import type { FriendRequestId, GroupId, GroupRequestId, UserId } from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"

const { none, pass, refuse, cancel } = HandleResult

const brief = <A>(result: Result.Result<A, AnyFailure>): A | string =>
  Result.isSuccess(result) ? result.success : result.failure._tag

describe("a friend request", () => {
  const relation: Relation = {
    isBlocked: false,
    areFriends: false,
    sent: undefined,
    received: undefined,
    ownFriends: friendsMax - 1,
    otherFriends: friendsMax - 1,
    sentPending: requestsPendingMax - 1,
    receivedPending: requestsPendingMax - 1
  }
  const id = "7" as FriendRequestId
  const decided = (changes: Partial<Relation>) => brief(decideRequest({ ...relation, ...changes }))

  it("is new, waits, or passes the other's; each limit has one place more", () => {
    assert.deepStrictEqual(decided({}), { _tag: "New" })
    assert.deepStrictEqual(decided({ sent: id, ownFriends: friendsMax }), { _tag: "Waiting", id })
    assert.deepStrictEqual(decided({ received: id, sentPending: requestsPendingMax }), { _tag: "Passed", id })
    assert.strictEqual(decided({ ownFriends: friendsMax }), "RateLimited")
    assert.strictEqual(decided({ received: id, ownFriends: friendsMax }), "RateLimited")
    assert.strictEqual(decided({ received: id, otherFriends: friendsMax }), "RateLimited")
    // The other's list counts only once there is a friendship.
    assert.deepStrictEqual(decided({ otherFriends: friendsMax }), { _tag: "New" })
    assert.strictEqual(decided({ sentPending: requestsPendingMax }), "RateLimited")
    assert.strictEqual(decided({ receivedPending: requestsPendingMax }), "RateLimited")
    assert.strictEqual(decided({ isBlocked: true, areFriends: true }), "Blocked")
    assert.strictEqual(decided({ areFriends: true, sent: id }), "Conflict")
  })

  it("is answered by its receiver or cancelled by its requester, once", () => {
    const request = { reqUid: "1" as UserId, userId: "2" as UserId }
    const may = (userId: string, response: typeof pass | typeof refuse | typeof cancel) =>
      mayRespond(userId as UserId, response, request)
    assert.deepStrictEqual(
      [may("2", pass), may("2", refuse), may("1", cancel), may("1", pass), may("2", cancel), may("3", pass)],
      [true, true, true, false, false, false]
    )
    const free = { isBlocked: false, ownFriends: friendsMax - 1, otherFriends: friendsMax - 1 }
    const answered = (
      ...[response, before, changes]: [typeof pass | typeof refuse | typeof cancel, 1 | 2 | 3 | 4, object?]
    ) => brief(decideFriendResponse(response, before, { ...free, ...changes }))
    assert.strictEqual(answered(pass, none), "Counts")
    assert.strictEqual(answered(pass, pass, { isBlocked: true }), "Repeats")
    assert.strictEqual(answered(pass, none, { isBlocked: true }), "Blocked")
    assert.strictEqual(answered(pass, cancel, { isBlocked: true }), "Blocked")
    assert.strictEqual(answered(refuse, none, { isBlocked: true, ownFriends: friendsMax }), "Counts")
    assert.strictEqual(answered(refuse, pass), "Conflict")
    assert.strictEqual(answered(cancel, refuse), "Conflict")
    assert.strictEqual(answered(pass, none, { ownFriends: friendsMax }), "RateLimited")
    assert.strictEqual(answered(pass, none, { otherFriends: friendsMax }), "RateLimited")
  })
})

describe("requests to join a group", () => {
  const request = (userId: string, inviterId = "1"): NewRequest => ({
    id: userId as GroupRequestId,
    groupId: "100" as GroupId,
    userId: userId as UserId,
    inviterId: inviterId as UserId,
    message: "",
    requestedAt: 0
  })
  const viewOf = (pending = 0): RequestView => ({
    isUser: (userId) => userId !== "404",
    checkContact: (inviter, userId) =>
      inviter === "1" && userId === "9" ? Result.fail(failure("Blocked")) : Result.void,
    admits: (userId, inviter) => userId === "3" || inviter === "3",
    isMember: (userId) => userId === "5",
    isPending: (userId) => userId === "6",
    pending
  })
  const kept = (requests: ReadonlyArray<NewRequest>, pending?: number) => {
    const result = brief(decideRequests(requests, viewOf(pending)))
    return typeof result === "string" ? result : result.map(({ userId }) => String(userId))
  }

  it("are kept for users who are no members and wait for no answer, all or none", () => {
    assert.deepStrictEqual(kept([request("2"), request("5"), request("6")]), ["2"])
    assert.deepStrictEqual(kept([request("6")]), [])
    assert.deepStrictEqual(kept([request("5")]), [])
    assert.strictEqual(kept([request("2"), request("404")]), "UserNotFound")
    assert.strictEqual(kept([request("2"), request("9")]), "Blocked")
    assert.deepStrictEqual(kept([request("9", "3")]), ["9"])
    assert.deepStrictEqual(kept([request("2")], groupRequestsPendingMax - 1), ["2"])
    assert.strictEqual(kept([request("2"), request("3")], groupRequestsPendingMax - 1), "Conflict")
    // Where nothing is added, a full list is no obstacle.
    assert.deepStrictEqual(kept([request("6")], groupRequestsPendingMax), [])
  })

  it("await the user who has not asked, and does not let the inviter bring them in", () => {
    const requests = [request("2", "2"), request("3"), request("4"), request("7", "3")]
    const result = brief(decideRequests(requests, viewOf()))
    assert.deepStrictEqual(
      typeof result === "string" ? result : result.map(({ userId, awaitsUser }) => [String(userId), awaitsUser]),
      [
        ["2", false],
        ["3", false],
        ["4", true],
        ["7", false]
      ]
    )
  })

  it("that await their user are passed by them alone, refused by them and managers, and cancelled as any", () => {
    const about = { userId: "2" as UserId, inviterId: "3" as UserId, awaitsUser: true }
    const response = (userId: string, role: Role, answer: typeof pass | typeof refuse | typeof cancel) =>
      brief(checkResponse(userId as UserId, role, answer, about))
    for (const answer of [pass, refuse, cancel] as const) assert.isUndefined(response("2", Role.former, answer))
    assert.strictEqual(response("1", Role.owner, pass), "Forbidden")
    assert.isUndefined(response("1", Role.manager, refuse))
    assert.strictEqual(response("3", Role.manager, pass), "Forbidden")
    assert.strictEqual(response("3", Role.member, refuse), "Forbidden")
    assert.isUndefined(response("3", Role.member, cancel))
    assert.strictEqual(response("4", Role.member, pass), "NoRequest")
  })

  it("are passed and refused by managers, cancelled by the two users they are about, and unknown to others", () => {
    const about = { userId: "2" as UserId, inviterId: "3" as UserId, awaitsUser: false }
    const response = (userId: string, role: Role, answer: typeof pass | typeof refuse | typeof cancel) =>
      brief(checkResponse(userId as UserId, role, answer, about))
    for (const answer of [pass, refuse] as const) {
      assert.isUndefined(response("1", Role.owner, answer))
      assert.isUndefined(response("1", Role.manager, answer))
      assert.strictEqual(response("1", Role.member, answer), "NoRequest")
      assert.strictEqual(response("2", Role.former, answer), "Forbidden")
      assert.strictEqual(response("3", Role.member, answer), "Forbidden")
    }
    assert.isUndefined(response("2", Role.former, cancel))
    assert.isUndefined(response("3", Role.member, cancel))
    assert.strictEqual(response("1", Role.owner, cancel), "NoRequest")
    assert.deepStrictEqual(
      [
        [pass, none],
        [pass, pass],
        [refuse, pass]
      ].map(([answer, before]) => brief(decideJoinResponse(answer as typeof pass, before as typeof none))),
      ["Counts", "Repeats", "Conflict"]
    )
  })
})
