//! Dubbo's registry in ZooKeeper, behind traits that another registry can meet.
