//! Streamlit's logins through the whole gate: chunks gathered from the Cookie fields, all of them taken out on the way up, and
//! the origin each login was made at. Jupyter's, whose secret is derived from a password, too.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gate::secret::{Digest, Key, Recipe};
use gate::session::hexadecimal;
use gate::{Decision, Gate};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{EXTRA, NOW, Policy, Sent, key, line};

const MAIN: &str = "_streamlit_user";

/// A policy whose report, and whose lab, take Streamlit's logins.
fn policy() -> Policy {
    let kind = json!({"format": "streamlit", "keys": ["extra"], "subject_from": "email", "chunks": true});
    Policy::new()
        .with("/keys/-", json!({"id": "extra", "env": "EXTRA", "encoding": "utf8"}))
        .with("/sessions/streamlit", kind)
        .on("report", "sessions", json!(["streamlit"]))
        .on("lab", "sessions", json!(["streamlit"]))
}

/// A text as Streamlit signs it for a cookie at that second.
fn signed(cookie: &str, text: &str, second: u64) -> String {
    let seconds = u32::try_from(second).expect("before 2106").to_be_bytes();
    let payload = URL_SAFE_NO_PAD.encode(json!(text).to_string());
    let text = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(seconds));
    let recipe = Recipe::Hash(Digest::Sha1, format!("{cookie}signer").into_bytes());
    let key = Key::derived("", EXTRA.as_bytes(), &recipe, Digest::Sha1, None).expect("a key");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes())))
}

fn login(origin: &str) -> Value {
    json!({"email": "ada@example.org", "is_logged_in": true, "origin": origin})
}

fn whole() -> String {
    signed(MAIN, &login("https://report.example.org").to_string(), NOW - 5)
}

/// The cookies of a login that is cut into so many chunks of the same length.
fn cookies(count: usize, second: u64) -> Vec<String> {
    let text = login("https://report.example.org").to_string();
    let mut cookies = vec![format!("{MAIN}={}", signed(MAIN, &format!("chunks-{count}"), second))];
    for number in 1..=count {
        let piece = &text[text.len() * (number - 1) / count..text.len() * number / count];
        let name = format!("{MAIN}_{number}");
        cookies.push(format!("{name}={}", signed(&name, piece, second)));
    }
    cookies
}

fn get(cookie: &str) -> Sent {
    Sent::get("https://report.example.org/").with("cookie", cookie)
}

#[track_caller]
fn subject(gate: &Gate, sent: &Sent) -> Option<String> {
    match sent.decide(gate) {
        Decision::Permit(permit) => permit.record().subject().map(str::to_owned),
        other => panic!("no permit: {other:?}"),
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_login_whole_and_in_chunks_wherever_they_stand() {
    let gate = policy().gate();
    assert_eq!(subject(&gate, &get(&format!("{MAIN}={}", whole()))).as_deref(), Some("ada@example.org"));
    for count in [2, 3, 16] {
        let mut cookies = cookies(count, NOW - 5);
        assert_eq!(cookies.len(), count + 1);
        let joined = cookies.join("; ");
        for _ in 0..3 {
            assert_eq!(subject(&gate, &get(&joined)).as_deref(), Some("ada@example.org"), "{count}");
        }
        cookies.reverse();
        cookies.insert(1, "theme=dark".to_owned());
        assert_eq!(get(&cookies.join("; ")).told(&gate), "permit session report", "{count} in another order");
        let fields =
            cookies.iter().fold(Sent::get("https://report.example.org/"), |sent, one| sent.with("cookie", one));
        assert_eq!(fields.told(&gate), "permit session report", "{count} in fields of their own");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_chunks_that_are_missing_too_many_repeated_or_disguised() {
    let gate = policy().gate();
    let cookies = cookies(3, NOW - 5);
    let told = |cookies: &[String]| get(&cookies.join("; ")).told(&gate);
    for missing in 1..4 {
        let mut some = cookies.clone();
        some.remove(missing);
        assert_eq!(told(&some), "refuse 401 token_malformed report", "without {missing}");
    }
    assert_eq!(told(&cookies[1..]), "refuse 401 session_missing report");
    assert_eq!(told(&cookies[..1]), "refuse 401 token_malformed report");
    let whole_only = policy().with("/sessions/streamlit/chunks", json!(false)).gate();
    assert_eq!(get(&cookies.join("; ")).told(&whole_only), "refuse 401 claims_malformed report");
    assert_eq!(get(&format!("{MAIN}={}", whole())).told(&whole_only), "permit session report");
    for (more, expected) in [
        (cookies[2].clone(), "refuse 403 credential_repeated report"),
        (cookies[2].replace("_2=", "_2 ="), "refuse 403 credential_repeated report"),
        // What an earlier and longer login left behind, or a sibling host put there, is no chunk of this one.
        (format!("{MAIN}_4={}", signed("_streamlit_user_4", "", NOW - 5)), "permit session report"),
        (format!("{MAIN}_5=x; {MAIN}_5=y"), "permit session report"),
        (format!("{MAIN}_03=x; {MAIN}_0=x; {MAIN}_3x=x; {MAIN}_17=x; {MAIN}_303=x"), "permit session report"),
        (format!("{MAIN}_tokens=x; {MAIN}_tokens_1=y"), "permit session report"),
        (format!("{MAIN}s_1=x; x{MAIN}_1=x"), "permit session report"),
    ] {
        let mut all = cookies.clone();
        all.push(more.clone());
        assert_eq!(told(&all), expected, "{more}");
    }
    let mut spaced = cookies.clone();
    spaced[2] = spaced[2].replace("_2=", "_2 =");
    assert_eq!(told(&spaced), "refuse 403 credential_disguised report");
    assert_eq!(told(&[format!("{MAIN}={}", whole()), cookies[1].clone()]), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_each_cookie_of_a_login_to_the_length_that_browsers_keep() {
    let gate = policy().gate();
    let long = |length: usize| {
        let text = login("https://report.example.org").to_string();
        let filled = text.replace("ada@", &format!("{}@", "a".repeat(length)));
        let first = signed(&format!("{MAIN}_1"), &filled[..40], NOW - 5);
        let second = signed(&format!("{MAIN}_2"), &filled[40..], NOW - 5);
        format!("{MAIN}={}; {MAIN}_1={first}; {MAIN}_2={second}", signed(MAIN, "chunks-2", NOW - 5))
    };
    assert_eq!(get(&long(200)).told(&gate), "permit session report");
    assert_eq!(get(&long(2900)).told(&gate), "refuse 401 claims_malformed report");
    assert_eq!(get(&long(3100)).told(&gate), "refuse 401 credential_too_long report");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_login_at_its_own_origin_only() {
    let gate = policy().gate();
    let cookie = |origin: &str| format!("{MAIN}={}", signed(MAIN, &login(origin).to_string(), NOW - 5));
    let at = |host: &str, origin: &str| Sent::get(&format!("https://{host}/")).with("cookie", cookie(origin));
    for _ in 0..3 {
        assert_eq!(at("report.example.org", "https://report.example.org").told(&gate), "permit session report");
        assert_eq!(at("lab.example.org", "https://lab.example.org").told(&gate), "permit session lab");
        assert_eq!(
            at("lab.example.org", "https://report.example.org").told(&gate),
            "refuse 403 audience_not_allowed lab"
        );
        assert_eq!(
            at("report.example.org", "http://report.example.org").told(&gate),
            "refuse 403 audience_not_allowed report"
        );
    }
    // The login's origin is no Origin: that one is judged apart from it.
    let foreign = at("report.example.org", "https://report.example.org").with("origin", "https://evil.example.net");
    assert_eq!(foreign.told(&gate), "refuse 403 origin_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn removes_every_cookie_of_a_login_and_the_tokens_beside_it_unless_they_are_kept() {
    let all = format!(
        "theme=dark; {}; {MAIN}_tokens=t; {MAIN}_tokens_1=u; {MAIN}s=v; _streamlit_xsrf=x",
        cookies(3, NOW - 5).join("; ")
    );
    let rest = format!("cookie: theme=dark; {MAIN}s=v; _streamlit_xsrf=x");
    assert_eq!(get(&all).edits(&policy().gate())[0], rest);
    // Where nobody asked for it, too.
    let plot = Sent::get("https://portal.example.org/").with("cookie", &all);
    assert_eq!(plot.edits(&policy().gate())[0], rest);
    let kept = policy().on("report", "keep", json!(["streamlit"])).gate();
    assert!(get(&all).edits(&kept).iter().all(|edit| !edit.starts_with("cookie")), "{:?}", get(&all).edits(&kept));
    assert_eq!(Sent::get("https://portal.example.org/").with("cookie", &all).edits(&kept)[0], rest);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_login_ends_with_its_earliest_chunk() {
    let gate = policy().gate();
    let mut cookies = cookies(2, NOW - 5);
    let text = login("https://report.example.org").to_string();
    let second = &text[text.len() / 2..];
    for (seconds, expected) in [
        (NOW - 6, "permit session report"),
        (NOW - 4, "permit session report"),
        (NOW - 7, "refuse 401 claims_malformed report"),
        (NOW - 3, "refuse 401 claims_malformed report"),
    ] {
        cookies[2] = format!("{MAIN}_2={}", signed("_streamlit_user_2", second, seconds));
        let sent = get(&cookies.join("; "));
        assert_eq!(sent.told(&gate), expected, "{seconds}");
        if seconds == NOW - 6 {
            let Decision::Permit(permit) = sent.decide(&gate) else { panic!("no permit") };
            let timeout: Vec<String> =
                permit.edits().iter().map(line).filter(|edit| edit.contains("timeout")).collect();
            assert_eq!(timeout, [format!("grpc-timeout: {}S", 31 * 86_400 - 6)]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_streamlits_logins_at_hosts_with_one_origin_only() {
    let owned = policy().on("report", "url", json!("https://{subject}.report.example.org/"));
    let expected = "dashboards[1].sessions: lists Streamlit's, which name one origin: the url has many";
    assert_eq!(owned.problems(), [expected]);
    let by_path = policy().on("report", "url", json!("https://report.example.org/of/{subject}/"));
    let by_path = by_path.on("report", "public", json!([]));
    assert_eq!(by_path.problems(), Vec::<String>::new());
    // The cookie's name is fixed, and whatever begins with it and a _ is taken.
    let taken =
        json!({"format": "flask", "keys": ["main"], "subject_from": "user", "cookie": "_streamlit_user_tokens"});
    let both = policy().with("/sessions/well", taken);
    assert_eq!(both.problems(), ["sessions.well.cookie: is the cookie of sessions.streamlit, too"]);
    let tornado = json!({"format": "streamlit_tornado", "keys": ["extra"], "subject_from": "email"});
    let both = policy().with("/sessions/well", tornado);
    assert_eq!(both.problems(), ["sessions.well.cookie: is the cookie of sessions.streamlit, too"]);
    assert_eq!(
        policy().on("tb", "cookie", json!("_streamlit_user_1")).problems(),
        ["sessions.streamlit.cookie: is the cookie of dashboards[5], too"]
    );
}

/// Jupyter's cookie for that user, of a server with that password's hash.
fn jupyter(password: &str) -> String {
    const NAME: &str = "username-report-example-org";
    let secret = key("", EXTRA.as_bytes()).sign(password.as_bytes());
    let payload = STANDARD.encode(json!({"username": "ada", "name": "Ada"}).to_string());
    let fields = ["0", &NOW.to_string(), NAME, &payload].map(|field| format!("{}:{field}|", field.len()));
    let text = format!("2|{}", fields.concat());
    format!("{NAME}=\"{text}{}\"", hexadecimal(&key("", &secret).sign(text.as_bytes())))
}

#[wasm_bindgen_test(unsupported = test)]
fn derives_jupyters_secret_with_the_password_of_the_environment() {
    let kind = json!({"format": "jupyter", "keys": ["extra"], "cookie": "username-report-example-org", "subject_from": "username"});
    let policy = Policy::new()
        .with("/keys/-", json!({"id": "extra", "env": "EXTRA", "encoding": "utf8"}))
        .with("/sessions/jupyter", kind)
        .on("report", "sessions", json!(["jupyter"]));
    // The stage's SHORT is no key, but it may be a password.
    let with_password = policy.clone().with("/sessions/jupyter/password_env", json!("SHORT"));
    for (policy, password, other) in [(&policy, "", "too short"), (&with_password, "too short", "")] {
        assert_eq!(subject(&policy.gate(), &get(&jupyter(password))).as_deref(), Some("ada"));
        assert_eq!(get(&jupyter(other)).told(&policy.gate()), "refuse 401 signature_invalid report");
    }
    let unset = policy.with("/sessions/jupyter/password_env", json!("NOWHERE"));
    let expected = "sessions.jupyter.password_env: NOWHERE is not set in the environment of the VM (host_env_keys)";
    assert_eq!(unset.problems(), [expected]);
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_all_parts_of_a_login_to_one_second() {
    let gate = policy().gate();
    let text = login("https://report.example.org").to_string();
    let parts = |first: u64, one: u64, two: u64| {
        let half = text.len() / 2;
        let (name_1, name_2) = (format!("{MAIN}_1"), format!("{MAIN}_2"));
        let (one, two) = (signed(&name_1, &text[..half], one), signed(&name_2, &text[half..], two));
        format!("{MAIN}={}; {name_1}={one}; {name_2}={two}", signed(MAIN, "chunks-2", first))
    };
    assert_eq!(get(&parts(NOW - 5, NOW - 5, NOW - 4)).told(&gate), "permit session report");
    // Each within a second of the first, and two seconds apart.
    assert_eq!(get(&parts(NOW - 5, NOW - 6, NOW - 4)).told(&gate), "refuse 401 claims_malformed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_chunks_and_of_servers_that_sign_in_everybody() {
    let warnings =
        |policy: Policy| -> Vec<String> { policy.gate().warnings().iter().map(ToString::to_string).collect() };
    let of_chunks = "sessions.streamlit.chunks: takes what Streamlit ties together by nothing";
    assert!(warnings(policy()).iter().any(|warning| warning.starts_with(of_chunks)));
    let without = policy().with("/sessions/streamlit/chunks", json!(false));
    assert!(!warnings(without).iter().any(|warning| warning.contains("chunks")));
    let jupyter = json!({"format": "jupyter", "keys": ["extra"], "cookie": "username-report-example-org", "subject_from": "username"});
    let lab = Policy::new()
        .with("/keys/-", json!({"id": "extra", "env": "EXTRA", "encoding": "utf8"}))
        .with("/sessions/jupyter", jupyter)
        .on("report", "sessions", json!(["portal", "jupyter"]));
    let everybody = "sessions.jupyter.password_env: is not set: a Jupyter with neither password nor token signs a login for whoever asks";
    assert!(warnings(lab.clone()).iter().any(|warning| warning.starts_with(everybody)), "{:?}", warnings(lab));
    let with_password = lab.with("/sessions/jupyter/password_env", json!("EXTRA"));
    assert!(!warnings(with_password).iter().any(|warning| warning.starts_with(everybody)));
}
