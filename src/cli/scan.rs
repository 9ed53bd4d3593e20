//! `podreeve scan`: what exists in a cluster, judged by the same code as the webhook's requests.

mod next;
mod printer;

use super::access::AccessArgs;
use super::check;
use super::exit::{Exit, Failure};
use super::image::facts as image_facts;
use super::kubelets::KubeletArgs;
use super::output::{self, Format};
use super::suggested::POLICY;
use crate::admit::Snapshot;
use crate::cluster::scan::{RateLimiter, ScanObserver, Scanner, Scope};
use crate::cluster::{FactClient, once, unreachable};
use crate::facts::FactKinds;
use crate::policy::{ObjectExemption, PolicySet};
use crate::report::{ScanReport, text};
use crate::sources::Sources;
use printer::ScanPrinter;
use std::path::PathBuf;
use std::sync::Arc;

/// Judge what exists in a cluster as if it were created now
///
/// Pods and everything that has a pod template are judged. The findings are reported by owner: those of the pods of a
/// Deployment once, for the Deployment. Nothing is changed. With --policy, it shows what a policy would deny before it is
/// in force.
#[derive(Debug, clap::Args)]
#[command(after_help = super::exit::HELP)]
pub struct Args {
    /// Policy to judge by, in place of those in force: the name of a built-in one, a file, or a directory; may be
    /// repeated [default: the cluster's built-in policies, or else owasp, and its Policy objects]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Only this namespace [default: all]
    #[arg(short, long, conflicts_with = "all_namespaces", value_parser = super::namespace::name)]
    namespace: Option<String>,

    /// All namespaces, as in kubectl
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// Only objects with these labels, such as app=web; for a pod, its own labels count
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,

    /// Namespaces whose Exemption objects count; may be repeated [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',')]
    exemption_namespaces: Vec<String>,

    /// Facts of images, as `podreeve image IMAGE --facts FILE` writes them; may be repeated
    ///
    /// Pods that run these images are judged by the rules about images, too. Other images are not judged: what podreeve in the cluster
    /// knows of images stays there, and its own scan judges them.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    image_facts: Vec<PathBuf>,

    /// Without the owners: only the table of what would be denied, by rule
    #[arg(long)]
    summary: bool,

    /// How many objects to list at one time
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    chunk_size: u32,

    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    access: AccessArgs,

    #[command(flatten)]
    kubelets: KubeletArgs,
}

/// # Errors
/// Policies that do not load, and an API server that cannot be reached.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let plan = Plan {
        policy: &args.policy,
        namespace: args.namespace.as_deref(),
        selector: args.selector.as_deref(),
        image_facts: &args.image_facts,
        exemption_namespaces: &args.exemption_namespaces,
        exemptions: &[],
        chunk_size: args.chunk_size,
        access: &args.access,
        kubelets: &args.kubelets,
        reports_implied: false,
    };
    let (report, images) = collect(&plan, args.output, args.summary)?;
    match args.output {
        Format::Text => output::print(&end(args, &report, images))?,
        Format::Json => output::json(&report)?,
    }
    for error in &report.errors {
        let remedy = "their findings are missing; grant this user list on them, or run the scan as a user who has it";
        output::diagnose("error", &format!("{} could not be read: {}; {remedy}", error.kind, error.message));
    }
    Ok(match report.summary {
        summary if summary.errors > 0 => Exit::InputError,
        summary if summary.denied > 0 => Exit::Violations,
        _ => Exit::Clean,
    })
}

/// What to scan, and by what to judge it.
pub(super) struct Plan<'a> {
    pub policy: &'a [String],
    /// None for all.
    pub namespace: Option<&'a str>,
    pub selector: Option<&'a str>,
    pub image_facts: &'a [PathBuf],
    pub exemption_namespaces: &'a [String],
    /// Exemptions in addition to those of the cluster.
    pub exemptions: &'a [Arc<ObjectExemption>],
    pub chunk_size: u32,
    pub access: &'a AccessArgs,
    pub kubelets: &'a KubeletArgs,
    /// Whether violations are found, too, that another one implies.
    pub reports_implied: bool,
}

/// Scans. With text output the owners are printed as they are found, and the report has none.
///
/// # Errors
/// Policies that do not load, and an API server that cannot be reached.
pub(super) fn collect(plan: &Plan<'_>, format: Format, summary: bool) -> Result<(ScanReport, Images), Failure> {
    let (printer, images) = scan_with(plan, |snapshot| ScanPrinter::new(format, summary, snapshot))?;
    Ok((printer.report()?, images))
}

/// Whether a scan says anything of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    /// No policy needs them, the cluster has no facts of them, or files have.
    AsInCluster,
    /// The cluster may judge images, and this scan does not.
    NotJudged,
}

/// Scans, with an observer that is made of the policies and facts in force. Returns it.
///
/// # Errors
/// Policies that do not load, and an API server that cannot be reached.
pub(super) fn scan_with<O: ScanObserver>(
    plan: &Plan<'_>,
    observer: impl FnOnce(&Snapshot) -> O,
) -> Result<(O, Images), Failure> {
    let loaded = Sources::new(plan.policy).in_cluster().load(1, usize::MAX).map_err(check::unusable)?;
    plan.access.with_client(async |client| {
        // This call comes first, because the scan would retry each list for some time.
        client.apiserver_version().await.map_err(|error| {
            Failure::input(format!("the API server does not answer: {}", unreachable::reason(&error)))
        })?;
        let mut snapshot = in_force(plan, &client, loaded).await?;
        snapshot.facts.images = image_facts::read(plan.image_facts)?;
        if snapshot.facts.images.is_some() {
            snapshot.facts.own_namespace = once::own_namespace(&client).await.map(Into::into);
        }
        let images = images(&client, &snapshot).await;
        snapshot.reports_implied = plan.reports_implied;
        snapshot.policies.exemptions.extend(plan.exemptions.iter().cloned());
        let fact_client = FactClient::default();
        fact_client.connected(client.clone());
        let scope = Scope {
            namespace: plan.namespace.map(str::to_owned),
            selector: plan.selector.map(str::to_owned),
            page: plan.chunk_size,
            findings: usize::MAX,
            images: true,
            existing_reports: None,
        };
        let mut observer = observer(&snapshot);
        let snapshot = Arc::new(snapshot);
        let scanner = Scanner {
            client: &client,
            fact_client: &fact_client,
            limiter: &RateLimiter::new(None),
            snapshot: &|| Arc::clone(&snapshot),
        };
        scanner.run(&scope, &mut observer).await;
        image_facts::note_missing(snapshot.facts.images.as_deref());
        Ok((observer, images))
    })
}

/// Says so where the cluster judges images and this scan does not.
async fn images(client: &kube::Client, snapshot: &Snapshot) -> Images {
    if snapshot.facts.images.is_some() || !snapshot.policies.facts().contains(FactKinds::IMAGES) {
        return Images::AsInCluster;
    }
    let why = match once::has_image_facts(client).await {
        Some(false) => return Images::AsInCluster,
        Some(true) => "this cluster has facts of images",
        None => "this user may not see whether this cluster has facts of images (`list` on imagefacts.podreeve.dev)",
    };
    output::diagnose(
        "note",
        &format!(
            "this scan judges no images; {why}. podreeve's own scan judges them and writes Events (`kubectl get events -A \
             --field-selector reason=PolicyViolation`); or give facts with --image-facts"
        ),
    );
    Images::NotJudged
}

/// The end of the text: the table, the sum, and what to type next.
fn end(args: &Args, report: &ScanReport, images: Images) -> String {
    let mut table = text::scan_rules::table(&report.rules);
    if !table.is_empty() {
        let before = if args.summary { "" } else { "\n" };
        table = format!("{before}{table}\n");
    }
    let sum = text::scan::summary(report.summary);
    let whole =
        args.namespace.is_none() && args.selector.is_none() && args.policy.is_empty() && report.errors.is_empty();
    let whole = whole && images == Images::AsInCluster;
    let next = text::scan_rules::next(&report.rules, |namespace| next::command(args, namespace), !args.summary, whole);
    format!("{table}{sum}{next}")
}

/// The policies to judge by: those of the arguments, or else those in force in this cluster, as far as they show in its Policy objects.
/// `owasp` stands for built-in policies that do not show.
async fn in_force(plan: &Plan<'_>, client: &kube::Client, mut snapshot: Snapshot) -> Result<Snapshot, Failure> {
    if plan.policy.is_empty() || !plan.exemption_namespaces.is_empty() {
        let (state, built_in) = once::state(client, plan.exemption_namespaces).await.map_err(|error| {
            Failure::input(format!("{error}; to judge without the policies in force, name one with --policy"))
        })?;
        snapshot.policies.exemptions = state.exemptions;
        if plan.policy.is_empty() {
            if !built_in.is_empty() {
                snapshot.policies =
                    PolicySet { exemptions: snapshot.policies.exemptions, ..PolicySet::new(built_in, 1) };
            }
            snapshot.policies.policies.extend(state.policies);
            for error in &state.errors {
                output::diagnose("note", &format!("{error}; nothing is judged by it"));
            }
        }
    }
    snapshot.facts.cluster = true;
    let kinds = snapshot.policies.facts() & FactKinds::OF_NODES;
    if !kinds.is_empty() {
        let kubelets = plan.kubelets.access();
        let (nodes, error) = once::nodes(client, &kubelets, kinds).await;
        if kinds.contains(FactKinds::NODES) && !nodes.all_known() {
            let why = error.map(|error| format!(": {error}")).unwrap_or_default();
            let note = format!(
                "podPidsLimit of some nodes could not be read (it takes `list` on nodes and {}){why}; without its nodeLimit \
                 pids-limit finds nothing in pods that may run there",
                kubelets.rights()
            );
            output::diagnose("note", &note);
        }
        snapshot.facts.nodes = Arc::new(nodes);
    }
    Ok(snapshot)
}
