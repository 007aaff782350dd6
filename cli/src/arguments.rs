//! The command line: what may be said, and the help that goes with it. Each command's help ends in an example.

use clap::{Args, Parser, Subcommand, ValueEnum};
use gate::Time;

use crate::instant;

/// Makes keys and sessions, says what the gate would say, and checks configurations before Envoy sees them.
#[derive(Parser)]
#[command(name = "dashgate", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 fine, 1 refused or problems found, 2 bad arguments or unreadable input.\n\
                        Data goes to stdout; hint: and error: lines go to stderr.")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Make a key: 32 random bytes
    Keygen(Keygen),
    /// Sign a session for one dashboard
    Mint(Mint),
    /// Say whether a session is valid, and which check fails if not
    Verify(Verify),
    /// Say what the gate would do with a request, and why
    Explain(Explain),
    /// List every problem of a policy, or of an Envoy file that holds one
    Check(Check),
    /// Print the JSON Schema of a policy, or its reference page
    Schema(Schema),
    /// Print what Envoy is given, made from one policy and where its parts run
    Render(Render),
    /// Print the host label of a subject or session id
    Label(Label),
}

/// How `keygen` writes a key.
#[derive(Clone, Copy, ValueEnum)]
pub enum Encoding {
    /// RFC 4648 section 5, unpadded
    Base64url,
    /// RFC 4648 section 4, padded
    Base64,
    /// Lower-case hexadecimal
    Hex,
}

impl Encoding {
    /// The policy's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Base64url => "base64url",
            Self::Base64 => "base64",
            Self::Hex => "hex",
        }
    }
}

/// `dashgate keygen`
#[derive(Args)]
#[command(after_help = "Example:\n  export DASHGATE_KEY=\"$(dashgate keygen)\"")]
pub struct Keygen {
    /// How the key is written
    #[arg(long, value_enum, default_value_t = Encoding::Base64url)]
    pub encoding: Encoding,
    /// Print one JSON object: key, encoding, bytes
    #[arg(long)]
    pub json: bool,
}

/// Which policy, and where its keys are.
#[derive(Args)]
pub struct Source {
    /// The policy (JSON or YAML), or an Envoy file that holds it
    #[arg(long, value_name = "FILE")]
    pub config: String,
    /// NAME=VALUE lines that hold the keys; without it, and after it, the environment does
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<String>,
}

/// `dashgate mint`
#[derive(Args)]
#[command(
    after_help = "Example:\n  dashgate mint --config policy.yaml --session portal --dashboard report --subject ada --ttl 600"
)]
pub struct Mint {
    #[command(flatten)]
    pub source: Source,
    /// The session kind
    #[arg(long, value_name = "KIND")]
    pub session: Option<String>,
    /// The dashboard the session is for
    #[arg(long, value_name = "NAME")]
    pub dashboard: Option<String>,
    /// Whose session it is (not for bokeh and express, whose sessions name nobody)
    #[arg(long)]
    pub subject: Option<String>,
    /// How long it lives: 3600 by default, 300 for a Bokeh token; a Bokeh id has no end
    #[arg(long, value_name = "SECONDS")]
    pub ttl: Option<u64>,
    /// The key that signs: by default the first of the session kind
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// When it is made, in Unix seconds or as a UTC time: by default now
    #[arg(long, value_name = "T", value_parser = instant::parse)]
    pub now: Option<Time>,
    /// One more claim, or another value of one; JSON where it is JSON, else text
    #[arg(long, value_name = "NAME=VALUE")]
    pub claim: Vec<String>,
    /// Make a Bokeh token instead of a session id
    #[arg(long)]
    pub token: bool,
    /// Print one JSON object: token, session, dashboard, key, subject, end
    #[arg(long)]
    pub json: bool,
}

/// `dashgate verify`
#[derive(Args)]
#[command(after_help = "\
Lines of --jsonl: {\"token\": TEXT} or {\"token_base64\": TEXT}, with now, session and dashboard where they differ from the
options, or a bare JSON string. Each is answered by one line, in order: {\"verdict\": \"accepted\" | \"refused\" | \"error\",
\"reason\", \"subject\", \"key\", \"end\", \"session\"}. Exit code 0 when every line was answered, 2 when one was malformed.

Examples:
  dashgate verify --config policy.yaml --session portal --dashboard report \"$TOKEN\"
  dashgate verify --format jwt --key-env DASHGATE_KEY --encoding base64url --audience https://report.example.org/ - < token
  dashgate verify --config policy.yaml --session portal --dashboard report --jsonl < tokens.jsonl")]
pub struct Verify {
    /// The policy (JSON or YAML), or an Envoy file that holds it
    #[arg(long, value_name = "FILE")]
    pub config: Option<String>,
    /// NAME=VALUE lines that hold the keys; without it, and after it, the environment does
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<String>,
    /// The session kind; not needed where the dashboard takes one only
    #[arg(long, value_name = "KIND")]
    pub session: Option<String>,
    /// The dashboard that judges it
    #[arg(long, value_name = "NAME")]
    pub dashboard: Option<String>,
    /// The session; - is stdin
    #[arg(value_name = "TOKEN", default_value = "-")]
    pub credential: String,
    /// When it is judged, in Unix seconds or as a UTC time: by default now
    #[arg(long, value_name = "T", value_parser = instant::parse)]
    pub now: Option<Time>,
    /// Judge it as connect does, too: iat, its age, the length of the cookie
    #[arg(long)]
    pub connect: bool,
    /// Take a Bokeh credential for a session id, whatever its shape
    #[arg(long, conflicts_with = "token")]
    pub id: bool,
    /// Take a Bokeh credential for a token, whatever its shape
    #[arg(long)]
    pub token: bool,
    /// Without --config: the format
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(gate::config::FORMATS), conflicts_with = "config", requires = "key_env")]
    pub format: Option<String>,
    /// Without --config: an option of the session kind, such as salt=TEXT or anonymous=true; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "format")]
    pub option: Vec<String>,
    /// Without --config: the environment variable that holds the key
    #[arg(long, value_name = "NAME", requires = "format")]
    pub key_env: Option<String>,
    /// Without --config: the key's id, which a token's kid must name
    #[arg(long, value_name = "ID", default_value = "key")]
    pub key_id: String,
    /// Without --config: how the variable's text becomes bytes
    #[arg(long, value_parser = ["base64url", "base64", "hex", "utf8"], requires = "format")]
    pub encoding: Option<String>,
    /// Without --config: the aud that is demanded; for a Streamlit login, the dashboard's url
    #[arg(long, value_name = "TEXT", requires = "format")]
    pub audience: Option<String>,
    /// Without --config: the iss that is demanded
    #[arg(long, value_name = "TEXT", requires = "format")]
    pub issuer: Option<String>,
    /// Read JSON lines from stdin, answer each
    #[arg(long, conflicts_with_all = ["json", "credential"])]
    pub jsonl: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dashgate explain`
#[derive(Args)]
#[command(after_help = "\
The request is described as the filter sees it, after Envoy normalised it. Credentials are shown as ****.

Lines of --jsonl: {\"method\", \"authority\", \"path\", \"headers\": [[NAME, VALUE], ...] or {NAME: VALUE or [VALUES]},
\"end_stream\", \"body\", \"now\"}, all but authority and path optional. Characters U+0000 to U+00FF of a value stand for
bytes; others are an error. body is a connect form. Each line is answered by one line, in order: {\"verdict\": \"permit\" |
\"refuse\" | \"answer\" | \"error\", \"reason\", \"dashboard\", \"carriers\", \"status\", \"headers\", \"subject\", \"session\", \"keys\",
\"edits\", \"grpc_status\"}. Exit code 0 when every line was answered, 2 when one was malformed.

Examples:
  dashgate explain --config policy.yaml https://report.example.org/app -H \"Cookie: __Host-dashgate-report=$TOKEN\"
  dashgate explain --config envoy/edge.yaml --upgrade -H 'Origin: https://evil.example' https://bokeh.localhost:8443/app/ws
  dashgate explain --config policy.yaml --jsonl < requests.jsonl")]
pub struct Explain {
    #[command(flatten)]
    pub source: Source,
    /// The request's URL; its scheme is not looked at
    #[arg(value_name = "URL", required_unless_present = "jsonl")]
    pub url: Option<String>,
    /// The method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// A header; several are several fields
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// Add the headers of a WebSocket upgrade
    #[arg(long)]
    pub upgrade: bool,
    /// The body: a connect form such as token=...&next=/
    #[arg(long, value_name = "FORM")]
    pub body: Option<String>,
    /// A body follows the headers (its content is not looked at)
    #[arg(long)]
    pub no_end_stream: bool,
    /// When it is judged, in Unix seconds or as a UTC time: by default now
    #[arg(long, value_name = "T", value_parser = instant::parse)]
    pub now: Option<Time>,
    /// Read JSON lines from stdin, answer each
    #[arg(long, conflicts_with_all = ["json", "url"])]
    pub jsonl: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `dashgate check`
#[derive(Args)]
#[command(after_help = "\
In an Envoy file (bootstrap, or the resource of a filter or listener), in Kubernetes manifests for Istio or Envoy Gateway
and in what a compose file mounts for Envoy, the dashgate filters are found, their policies checked, and the settings around
them that would leave a door open: failure policy, keys in plain sight, upgrade filters, ports and selectors that match
nothing, routes without the lock, and more (docs/check.md). Files given together are looked at together.

Example:
  dashgate check --no-keys envoy/edge.yaml")]
pub struct Check {
    /// Policies, Envoy files, manifests, compose files, JSON or YAML; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Do not look for the keys in the environment
    #[arg(long, conflicts_with = "env_file")]
    pub no_keys: bool,
    /// NAME=VALUE lines that hold the keys; without it, and after it, the environment does
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<String>,
    /// Print one JSON object for each file: file, problems, warnings
    #[arg(long)]
    pub json: bool,
}

/// What is rendered.
#[derive(Clone, Copy, ValueEnum)]
pub enum Target {
    /// An Envoy at the edge: TLS, routes, clusters
    Edge,
    /// An Envoy beside one dashboard, which only the edge reaches
    Sidecar,
    /// Envoy Gateway: the Gateway, its routes, the gate as EnvoyExtensionPolicy, the locks
    EnvoyGateway,
    /// Istio: an EnvoyFilter that holds the gate, and what stands beside it
    IstioEnvoyfilter,
    /// Istio 1.30 and later: a TrafficExtension, and what stands beside it
    IstioTrafficextension,
    /// Istio up to 1.29: a WasmPlugin, and what stands beside it
    IstioWasmplugin,
    /// The edge as docker-compose.yml starts it
    Compose,
}

/// `dashgate render`
#[derive(Args)]
#[command(after_help = "\
The file holds two maps: policy, and deployment, which says where its parts run: upstreams, the place of each dashboard, and for each
target a section of its name. The policy's own text, comments included, goes into what is printed.

Example:
  dashgate render --for edge envoy/policy.yaml > envoy/edge.yaml")]
pub struct Render {
    /// What for
    #[arg(long = "for", value_enum)]
    pub target: Target,
    /// The deployment's section, where it is not the target's first: istio-gateway-api, istio-sidecar
    #[arg(long)]
    pub section: Option<String>,
    /// The file; - is stdin
    pub file: String,
}

/// `dashgate label`
#[derive(Args)]
#[command(after_help = "\
A name that is a host label stands for itself; any other is written as x- and the name, each byte but a-z and 0-9 as - and two
hexadecimal digits. No two names have one label. Exit code 1 where it is longer than a host label may be.

Example:
  dashgate label ada@example.org")]
pub struct Label {
    /// The subject, or the session's public id
    pub name: String,
}

/// `dashgate schema`
#[derive(Args)]
#[command(after_help = "Example:\n  dashgate schema > docs/dashgate.schema.json")]
pub struct Schema {
    /// Print the reference page in Markdown instead
    #[arg(long)]
    pub reference: bool,
}
