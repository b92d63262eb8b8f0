//! How calls are divided: by weight, by key, and alike everywhere.

use proptest::prelude::*;

use super::*;

fn split(shares: &[(&str, u32)]) -> Split {
    let shares = shares.iter().map(|(island, weight)| (Target::Island((*island).into()), *weight));
    Split::new("shop/canary", shares, None).unwrap()
}

/// How many of `calls` calls go to each island.
fn counted(split: &Split, calls: u64, key: impl Fn(u64) -> Option<String>) -> Vec<u64> {
    let mut counts = vec![0; split.shares().len()];
    for call in 0..calls {
        let key = key(call);
        counts[split.position(key.as_deref().map(str::as_bytes), mixed(call))] += 1;
    }
    counts
}

#[test]
fn shares_without_a_weight_make_no_split() {
    assert_eq!(Split::new("r", [(Target::Local, 0)], None), None);
    assert_eq!(Split::new("r", [], None), None);
    assert_eq!(split(&[("shanghai", 0), ("beijing", 1)]).shares().len(), 1);
}

#[test]
fn every_random_number_has_a_target() {
    let split = split(&[("shanghai", 90), ("beijing", 10)]);
    assert_eq!(split.pick(None, 0).as_str(), "shanghai");
    assert_eq!(split.pick(None, u64::MAX).as_str(), "beijing");
}

#[test]
fn the_logarithm_is_one() {
    for bits in [0, 1, u64::MAX / 3, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 4096, u64::MAX] {
        let unit = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let (ours, theirs) = (minus_ln(bits), -unit.ln());
        assert!((ours - theirs).abs() <= 1e-11 * theirs.max(1.0), "{bits}: {ours} and {theirs}");
        assert!(ours > 0.0);
    }
}

/// Gateways of different releases must agree, so what these keys lead to may never change.
#[test]
fn a_key_leads_to_the_same_target_in_every_release() {
    let split = split(&[("shanghai", 50), ("beijing", 30), ("shenzhen", 20)]);
    let picked: Vec<&str> =
        (0..12).map(|user| split.pick(Some(format!("user-{user}").as_bytes()), 0).as_str()).collect();
    assert_eq!(picked, PICKED);
}

const PICKED: [&str; 12] = [
    "beijing", "shanghai", "shenzhen", "shenzhen", "shenzhen", "beijing", "shenzhen", "shenzhen", "shanghai",
    "shanghai", "shenzhen", "shenzhen",
];

#[test]
fn a_call_without_its_key_goes_by_the_random_number() {
    let attachment = Sticky::Attachment("user".into());
    let none = |key: Option<&[u8]>| key.is_none();
    assert!(attachment.with_key(&(), None, None, none));
    assert!(Sticky::Source.with_key(&(), None, None, none));
    assert!(Sticky::Application.with_key(&(), None, None, none));
    let texts = std::collections::BTreeMap::from([("user".to_owned(), "bo".to_owned())]);
    assert!(attachment.with_key(&texts, None, None, |key| key == Some(b"bo")));
    assert!(Sticky::Application.with_key(&(), None, Some("shop"), |key| key == Some(b"shop")));
}

#[test]
fn an_address_is_the_same_key_however_the_listener_saw_it() {
    let seen = |text: &str| Sticky::Source.with_key(&(), text.parse().ok(), None, |key| key.map(<[u8]>::to_vec));
    assert_eq!(seen("10.1.2.3"), seen("::ffff:10.1.2.3"));
    assert_ne!(seen("10.1.2.3"), seen("10.1.2.4"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn shares_come_out_as_their_weights_with_keys_and_without(weights in prop::collection::vec(1_u32..100, 2..5), salt: u32) {
        const CALLS: u64 = 20_000;
        let names = ["shanghai", "beijing", "shenzhen", "cloud"];
        let shares: Vec<(&str, u32)> = names.into_iter().zip(weights.iter().copied()).collect();
        let split = split(&shares);
        let total: u32 = weights.iter().sum();
        let drawn = counted(&split, CALLS, |_| None);
        let sticky = counted(&split, CALLS, |call| Some(format!("user-{salt}-{call}")));
        for ((weight, drawn), sticky) in weights.iter().zip(drawn).zip(sticky) {
            let wanted = f64::from(*weight) / f64::from(total);
            for found in [drawn, sticky] {
                let found = found as f64 / CALLS as f64;
                prop_assert!((found - wanted).abs() < 0.02, "{found} instead of {wanted}");
            }
        }
    }

    #[test]
    fn when_a_target_goes_only_its_keys_move(weights in prop::collection::vec(1_u32..100, 3), gone in 0_usize..3, salt: u32) {
        let names = ["shanghai", "beijing", "shenzhen"];
        let all: Vec<(&str, u32)> = names.into_iter().zip(weights.iter().copied()).collect();
        let rest: Vec<(&str, u32)> = all.iter().copied().filter(|(name, _)| *name != names[gone]).collect();
        let (before, after) = (split(&all), split(&rest));
        for call in 0..500 {
            let key = format!("{salt}-{call}");
            let was = before.pick(Some(key.as_bytes()), 0);
            if was.as_str() != names[gone] {
                prop_assert_eq!(was, after.pick(Some(key.as_bytes()), 1));
            }
        }
    }

    #[test]
    fn two_gateways_agree_in_whatever_order_they_read_the_shares(key: String, reads in Just([2_usize, 0, 1]).prop_shuffle()) {
        let all = [("shanghai", 60), ("beijing", 30), ("shenzhen", 10)];
        let read: Vec<(&str, u32)> = reads.iter().map(|at| all[*at]).collect();
        let (one, other) = (split(&all), split(&read));
        prop_assert_eq!(one.pick(Some(key.as_bytes()), 0), other.pick(Some(key.as_bytes()), 9));
    }
}
