/** The modes of acknowledgement (protocol.md section 1.4). */

/** How data frames and pushes of a connection are acknowledged. */
export const ackModes = ["none", "once", "rigor"] as const
export type AckMode = (typeof ackModes)[number]
