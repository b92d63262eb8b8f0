//! What a recorder of `metrics` is told of calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::greeter::greeter;

/// All values of each figure with its labels.
#[derive(Default)]
struct Told(Mutex<BTreeMap<String, Arc<Values>>>);

#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl Values {
    fn add(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl GaugeFn for Values {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        panic!("a figure of this thread alone");
    }
}

impl Told {
    fn of(&self, key: &Key) -> Arc<Values> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        self.0.lock().unwrap().entry(name).or_default().clone()
    }

    fn values(&self) -> BTreeMap<String, Vec<f64>> {
        self.0.lock().unwrap().iter().map(|(name, values)| (name.clone(), values.0.lock().unwrap().clone())).collect()
    }
}

impl Recorder for Told {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.of(key))
    }
}

#[test]
fn a_recorder_is_told_how_long_calls_took_by_outcome_and_how_many_are_in_hand() {
    let greeter = greeter();
    let told = Told::default();
    metrics::with_local_recorder(&told, || {
        let _: String = greeter.service.call("greet", ("bo",)).wait().unwrap();
        let _: String = greeter.service.call("greet", ("li",)).wait().unwrap();
        greeter.service.call::<_, ()>("fail", ()).wait().unwrap_err();
        drop(greeter.service.call::<_, ()>("silent", ()).into_future());
    });
    let values = told.values();
    let durations = |method: &str, outcome: &str| {
        let labels = format!("service=com.acme.Greeter method={method} outcome={outcome}");
        values[&format!("highway_sdk_call_duration_seconds {labels}")].clone()
    };
    assert_eq!(durations("greet", "answered").len(), 2);
    assert!(durations("greet", "answered").iter().all(|took| *took > 0.0 && *took < 60.0));
    assert_eq!((durations("fail", "exception").len(), durations("silent", "given_up").len()), (1, 1));
    assert_eq!(values["highway_sdk_calls_in_hand "], [1.0, -1.0].repeat(4));
    assert_eq!(values.len(), 4);
}
