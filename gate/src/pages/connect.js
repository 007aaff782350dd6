"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const say = (text) => { byId("message").textContent = text; };
  // A second link in the same tab changes the fragment only: begin anew.
  addEventListener("hashchange", () => location.reload());
  const given = new URLSearchParams(location.hash.slice(1));
  // Out of the address bar before anything else.
  history.replaceState(null, "", location.pathname);
  const token = given.get("token");
  const next = given.get("next") || "/";
  const ours = new URL(next, location.origin);
  if (!token || ours.origin !== location.origin || !next.startsWith("/")) {
    say("This link is incomplete. Go back to your portal and press Connect again.");
    byId("back").hidden = false;
    return;
  }
  const nameOf = (text) => {
    try {
      const payload = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
      const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes)).sub || "(a session without a name)";
    } catch {
      return "(unreadable)";
    }
  };
  byId("subject").textContent = nameOf(token);
  byId("host").textContent = location.host;
  byId("next").textContent = ours.pathname;
  byId("ask").hidden = false;
  byId("go").addEventListener("click", async () => {
    byId("go").disabled = true;
    say("Connecting…");
    try {
      const answer = await fetch("/.dashgate/connect?next=" + encodeURIComponent(next), {
        method: "POST",
        headers: { Authorization: "Bearer " + token },
        redirect: "manual",
        cache: "no-store",
      });
      if (answer.type === "opaqueredirect") {
        location.replace(next);
        return;
      }
      const refusal = await answer.json();
      byId("ask").hidden = true;
      byId("back").hidden = false;
      say(refusal.error);
    } catch {
      say("The gate could not be reached. Try again.");
      byId("go").disabled = false;
    }
  });
})();
