// What the samples of several pages share.

import { phone } from "../harness.mjs";

export const MADE = new Date("2021-03-04T05:06:07Z");
export const CHANGED = new Date("2021-03-04T05:06:08Z");
export const DATES = { dateCreated: MADE, dateUpdated: CHANGED };

export const sids = (items) => items.map(({ sid }) => sid);
export const json = JSON.stringify;

/** Whether an answer has these links. */
export const links =
  (...names) =>
  (shown) =>
    names.every((name) => shown[name]?.startsWith("http"));

/** Whether a list of at most 20 has something, and nothing but those of a kind. */
export const firstPage = (prefix) => () => (found) =>
  found.length > 0 && found.length <= 20 && sids(found).every((sid) => sid.startsWith(prefix));

/** A phone, and a number of ours for it. */
export const sms = () => ({ "messagingBinding.address": phone(), "messagingBinding.proxyAddress": phone() });

/** Call and expectation of a sample whose answer has to show what was given, and more. */
export const echoing = (make, call, more = (given) => given) => {
  let given;
  return [
    async (place) => {
      given = await make(place);
      return call(place, given);
    },
    () => more(given),
  ];
};
