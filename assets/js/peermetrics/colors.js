// The colours of charts in the light theme, by meaning and as a list for series. The style sheet has the same ones as variables.

export const colors = {
  default: "#5a86d8",
  warning: "#c97a0a",
  error: "#c8372d",
  info: "#14857f",
  list: ["#2b63d9", "#c2570c", "#15803d", "#a21caf", "#0e7490", "#b91c1c", "#6d28d9", "#7a6a00", "#be185d", "#475569"],
};

/** The colour of an event on a timeline, by what kind of thing happened. @type {Record<string, string>} */
const events = {
  getUserMedia: "#7c3aed",
  addConnection: "#7c3aed",
  peerDetails: "#7c3aed",
  onnegotiationneeded: "#0b6280",
  onsignalingstatechange: "#0b6280",
  onconnectionstatechange: "#166b41",
  onicegatheringstatechange: "#a86a00",
  oniceconnectionstatechange: "#a86a00",
  onicecandidate: "#d58512",
  onicecandidateerror: "#ac1f16",
  ondatachannel: "#14857f",
  page_presence: "#d5dae2",
  connected: "#9dbaf0",
  connecting_successfully: "#166b41",
  connecting_failed: "#ac1f16",
  renegotiation_successfully: "#0b6280",
  renegotiation_failed: "#ac1f16",
};

/** @param {string} type */
export function colorOfEvent(type) {
  return Object.hasOwn(events, type) ? events[type] : colors.default;
}
