//! Pages that are made from code are what the code says.

use gate::reason::{Reason, reference};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn the_page_of_reasons_is_the_list_of_reasons() {
    let page = include_str!("../../docs/reasons.md");
    assert!(page == reference(), "docs/reasons.md should be:\n{}", reference());
}

#[wasm_bindgen_test(unsupported = test)]
fn the_rules_name_only_reasons_that_exist_and_all_of_the_refusals_of_sessions_stand_in_the_list() {
    let rules = include_str!("../../docs/rules.md");
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    let named = rules.split('`').filter(|word| {
        let prefixes =
            ["connect_t", "connect_o", "connect_b", "connect_n", "connect_f", "connect_i", "credential_", "origin_"];
        prefixes.iter().any(|prefix| word.starts_with(prefix))
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    for code in named {
        assert!(codes.contains(&code), "docs/rules.md names {code}, which is no reason code");
    }
    for (index, code) in codes.iter().enumerate() {
        assert!(!codes[..index].contains(code), "{code} is declared twice");
    }
}
