//! CEL, as far as locks are written in it: what must hold for an expression to be true, as alternatives of conditions that hold
//! together. Decides nothing about whether that is enough (`security`), nor about names (`lock_names`).

use crate::envoy::LOCK;

/// What one alternative demands.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand {
    /// The permit to that dashboard.
    Permit(String),
    /// A route whose name begins so.
    Route(String),
    /// Something else, which can only narrow; whether it may be the gate's word in a way that is not understood.
    Other { may_ask: bool },
}

/// Any expression that people write for a lock has fewer.
const MOST: usize = 256;
/// Each `?` doubles what is read: this deep that is some thousands.
const DEEPEST: usize = 12;

/// The alternatives of an expression; none where it cannot be read.
pub fn alternatives(text: &str) -> Option<Vec<Vec<Demand>>> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    let read = reader.choice()?;
    (reader.at == tokens.len()).then(|| read.alternatives(true))?
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    const SIGNS: [&str; 24] = [
        "&&", "||", "==", "!=", "<=", ">=", "!", "<", ">", "?", ":", "(", ")", "[", "]", ".", ",", "+", "-", "*", "/",
        "%", "{", "}",
    ];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let word = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(word);
        if after.starts_with(['\'', '"']) && ["", "b", "B", "r", "R"].contains(&name) {
            // An escape could spell anything; no name of ours needs one.
            let (value, end) = after[1..].split_once(&after[..1])?;
            if value.contains('\\') || (value.is_empty() && end.starts_with(['\'', '"'])) {
                return None;
            }
            found.push(Token::Text(value.to_owned()));
            rest = end.trim_start();
        } else if word > 0 {
            found.push(Token::Word(name.to_owned()));
            rest = after.trim_start();
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            found.push(Token::Sign(sign));
            rest = rest[sign.len()..].trim_start();
        }
    }
    Some(found)
}

#[derive(Clone)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Demand(Demand),
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let is_next =
            self.tokens.get(self.at).is_some_and(|token| matches!(token, Token::Sign(found) if *found == sign));
        self.at += usize::from(is_next);
        is_next
    }

    /// `a ? b : c` is `a && b || !a && c`.
    fn choice(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let asked = self.any()?;
        let read = if self.takes("?") {
            let yes = self.choice()?;
            let no = self.takes(":").then(|| self.choice())??;
            let denied = Node::Not(Box::new(asked.clone()));
            Node::Any(vec![Node::All(vec![asked, yes]), Node::All(vec![denied, no])])
        } else {
            asked
        };
        self.depth -= 1;
        Some(read)
    }

    fn any(&mut self) -> Option<Node> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Some(Node::Any(parts))
    }

    fn all(&mut self) -> Option<Node> {
        let mut parts = vec![self.relation()?];
        while self.takes("&&") {
            parts.push(self.relation()?);
        }
        Some(Node::All(parts))
    }

    /// One comparison, or what stands alone; more than that is not understood.
    fn relation(&mut self) -> Option<Node> {
        const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%"];
        let start = self.at;
        let first = self.single()?;
        let left = start..self.at;
        let (mut sign, mut right, mut count) = ("", left.clone(), 0);
        loop {
            if self.tokens.get(self.at) == Some(&Token::Word("in".to_owned())) {
                self.at += 1;
                sign = "in";
            } else if let Some(found) = SIGNS.into_iter().find(|sign| self.takes(sign)) {
                sign = found;
            } else {
                break;
            }
            let start = self.at;
            self.single()?;
            right = start..self.at;
            count += 1;
        }
        let compared = || Node::Demand(equal(&self.tokens[left.clone()], &self.tokens[right.clone()]));
        Some(match (count, sign) {
            (0, _) => first,
            (1, "==") => compared(),
            (1, "!=") => Node::Not(Box::new(compared())),
            _ => Node::Demand(other(&self.tokens[start..self.at])),
        })
    }

    fn single(&mut self) -> Option<Node> {
        if self.takes("!") {
            self.depth += 1;
            let read = if self.depth > DEEPEST { None } else { self.single() };
            self.depth -= 1;
            return Some(Node::Not(Box::new(read?)));
        }
        self.takes("-");
        let start = self.at;
        let mut read = None;
        if self.takes("(") {
            read = Some(self.choice()?);
            self.takes(")").then_some(())?;
        } else if self.takes("[") {
            self.skip("[", "]")?;
        } else {
            matches!(self.tokens.get(self.at)?, Token::Word(_) | Token::Text(_)).then_some(())?;
            self.at += 1;
        }
        let whole = self.at;
        loop {
            if self.takes(".") {
                matches!(self.tokens.get(self.at)?, Token::Word(_)).then_some(())?;
                self.at += 1;
            } else if self.takes("(") {
                self.skip("(", ")")?;
            } else if self.takes("[") {
                self.skip("[", "]")?;
            } else {
                break;
            }
        }
        let said = &self.tokens[start..self.at];
        Some(match (read, said) {
            (Some(read), _) if self.at == whole => read,
            (_, [Token::Word(word)]) if word == "true" => Node::All(Vec::new()),
            (_, [Token::Word(word)]) if word == "false" => Node::Any(Vec::new()),
            _ => Node::Demand(alone(said)),
        })
    }

    fn skip(&mut self, open: &str, close: &str) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            if self.takes(open) {
                depth += 1;
            } else if self.takes(close) {
                depth -= 1;
            } else {
                self.tokens.get(self.at)?;
                self.at += 1;
            }
        }
        Some(())
    }
}

impl Node {
    /// `holds`: the alternatives in which this is true, or those in which it is false.
    fn alternatives(&self, holds: bool) -> Option<Vec<Vec<Demand>>> {
        let found = match (self, holds) {
            (Node::Demand(demand), true) => vec![vec![demand.clone()]],
            // Whoever has not that permit: the contrary of a lock.
            (Node::Demand(_), false) => vec![vec![Demand::Other { may_ask: false }]],
            (Node::Not(inner), _) => inner.alternatives(!holds)?,
            (Node::Any(parts), true) | (Node::All(parts), false) => {
                let found: Option<Vec<_>> = parts.iter().map(|part| part.alternatives(holds)).collect();
                found?.concat()
            }
            (Node::All(parts), true) | (Node::Any(parts), false) => {
                let mut found = vec![Vec::new()];
                for part in parts {
                    let more = part.alternatives(holds)?;
                    let joined = |one: &Vec<Demand>| {
                        let one = one.clone();
                        more.iter().map(move |other| [one.clone(), other.clone()].concat()).collect::<Vec<_>>()
                    };
                    found = found.iter().flat_map(joined).collect();
                    if found.len() > MOST {
                        return None;
                    }
                }
                found
            }
        };
        (found.len() <= MOST).then_some(found)
    }
}

fn bare(said: &[Token]) -> &[Token] {
    match said {
        [Token::Sign("("), inner @ .., Token::Sign(")")] => bare(inner),
        _ => said,
    }
}

fn equal(left: &[Token], right: &[Token]) -> Demand {
    let (left, right) = (bare(left), bare(right));
    let (asked, value) = match (left, right) {
        ([Token::Text(value)], asked) | (asked, [Token::Text(value)]) => (asked, value),
        _ => return other(&[left, right].concat()),
    };
    match asked {
        [Token::Word(state), Token::Sign("["), Token::Text(key), Token::Sign("]")]
            if state == "filter_state" && key == LOCK =>
        {
            Demand::Permit(value.clone())
        }
        [Token::Word(xds), Token::Sign("."), Token::Word(name)] if xds == "xds" && name == "route_name" => {
            Demand::Route(value.clone())
        }
        _ => other(asked),
    }
}

fn alone(said: &[Token]) -> Demand {
    let (Some((place, [Token::Sign("("), Token::Text(value), Token::Sign(")")])), true) =
        (said.split_at_checked(5), said.len() == 8)
    else {
        return other(said);
    };
    match place {
        [Token::Word(xds), Token::Sign("."), Token::Word(name), Token::Sign("."), Token::Word(call)]
            if xds == "xds" && name == "route_name" && call == "startsWith" && !value.is_empty() =>
        {
            Demand::Route(value.clone())
        }
        _ => other(said),
    }
}

fn other(said: &[Token]) -> Demand {
    Demand::Other { may_ask: said.iter().any(|token| matches!(token, Token::Text(text) if text == LOCK)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Option<Vec<usize>> {
        let permits =
            |alternative: &Vec<Demand>| alternative.iter().filter(|one| matches!(one, Demand::Permit(_))).count();
        alternatives(text).map(|found| found.iter().map(permits).collect())
    }

    #[test]
    fn reads_what_must_hold() {
        let permit = "filter_state['wasm.dashgate_dashboard'] == b'a'";
        let route = "xds.route_name.startsWith('httproute/x/a/')";
        let both = vec![vec![Demand::Permit("a".to_owned()), Demand::Route("httproute/x/a/".to_owned())]];
        assert_eq!(alternatives(&format!("{permit} && {route}")), Some(both.clone()));
        let spaced = format!("( (b\"a\"==filter_state [ \"wasm.dashgate_dashboard\" ]) &&({route}))");
        assert_eq!(alternatives(&spaced), Some(both.clone()));
        assert_eq!(alternatives(&format!("!(!({permit}) || !({route}))")), Some(both));
        assert_eq!(judge(&format!("{permit} || true")), Some(vec![1, 0]));
        assert_eq!(judge(&format!("!({permit})")), Some(vec![0]));
        assert_eq!(judge(&format!("{permit} ? true : true")), Some(vec![1, 0]));
        assert_eq!(judge(&format!("{permit} ? {route} : false")), Some(vec![1]));
        assert_eq!(judge(&format!("{permit} && (request.method == 'GET' || has(x.y))")), Some(vec![1, 1]));
        assert_eq!(judge("filter_state['wasm.dashgate_dashboard'] != b'a'"), Some(vec![0]));
        assert_eq!(judge("false"), Some(vec![]));
        for broken in ["(", "a &&", "a b", "'a", "b'\\x61'", "a ? b", "a.1(", "[", "!"] {
            assert_eq!(alternatives(broken), None, "{broken}");
        }
        assert_eq!(alternatives(&"(".repeat(100_000)), None);
        assert_eq!(alternatives(&"!".repeat(100_000)), None);
        let chosen = |count: usize| format!("{}{permit}{}", "(".repeat(count), " ? true : false)".repeat(count));
        assert_eq!(judge(&chosen(8)), Some(vec![1]));
        assert_eq!(alternatives(&chosen(30)), None);
        assert_eq!(alternatives(&vec!["(a || b)"; 40].join(" && ")), None);
    }
}
