//! Recipes. Each is a whole program, and a test.
//!
//! # Run the incident
//!
//! ```
//! use softlockup::Scenario;
//! use softlockup::scenario::nested_oops::NestedOops;
//!
//! let run = NestedOops::default().machine()?.run()?;
//! assert!(run.incident.console().contains("soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]"));
//! println!("{}", run.incident.report());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Change the machine
//!
//! [`Config`](crate::Config) is data. Here the kernel is 6.12, where the buddy detector names CPU 0:
//!
//! ```
//! use softlockup::config::Detectors;
//! use softlockup::incident::report::Detector;
//! use softlockup::scenario::nested_oops::NestedOops;
//! use softlockup::{CpuId, Kernel, Scenario};
//!
//! let mut scenario = NestedOops::default();
//! scenario.config.kernel = Kernel::Arm64V6_12;
//! scenario.config.detectors = Detectors::of(Kernel::Arm64V6_12);
//! let report = scenario.machine()?.run()?.incident.report();
//! let first = &report.detections[0];
//! assert_eq!((first.detector, first.named_cpu), (Detector::HardlockupBuddy, CpuId(0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Plug in a lock
//!
//! A part is a small trait. This `die_lock` lets the CPU in that already holds it, and so CPU 0 gets through its second
//! oops:
//!
//! ```
//! use softlockup::incident::report::Outcome;
//! use softlockup::parts::contract;
//! use softlockup::parts::die_lock::DieLock;
//! use softlockup::scenario::nested_oops::NestedOops;
//! use softlockup::sync::{AtomicU32, Ordering};
//! use softlockup::{Parts, Scenario, ThisCpu};
//!
//! /// 0: free. n + 1: CPU n holds it.
//! #[derive(Default)]
//! struct OwnerLock {
//!     owner: AtomicU32,
//!     depth: AtomicU32,
//! }
//!
//! impl DieLock for OwnerLock {
//!     fn lock(&self, cpu: &impl ThisCpu) -> u32 {
//!         let me = cpu.id().0 + 1;
//!         if self.owner.load(Ordering::Relaxed) != me {
//!             while self.owner.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
//!                 cpu.relax();
//!             }
//!         }
//!         self.depth.fetch_add(1, Ordering::Relaxed) + 1
//!     }
//!
//!     fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
//!         let left = self.depth.fetch_sub(1, Ordering::Relaxed) - 1;
//!         if left == 0 {
//!             self.owner.store(0, Ordering::Release);
//!         }
//!         left
//!     }
//! }
//!
//! // Its rules, without a machine: a deadlock is an answer at once.
//! assert_eq!(contract::die_lock::excludes(OwnerLock::default), Ok(()));
//! assert_eq!(contract::die_lock::nests(OwnerLock::default), Ok(()));
//! // It has x86's fault, too: the task dies in the second oops, and the lock stays held.
//! let broken = contract::die_lock::survives_the_task(OwnerLock::default).unwrap_err();
//! assert!(broken.to_string().contains("a task that dies in a nested oops does not keep the lock"));
//!
//! // And in the whole incident: after CPU 0 no other CPU oopses, so no CPU hangs.
//! let parts = Parts::stock().with_die_lock(OwnerLock::default());
//! let run = NestedOops::default().machine_with(parts)?.run()?;
//! assert_eq!(run.incident.report().outcome, Outcome::Recovered);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Read a console
//!
//! ```
//! use softlockup::CpuId;
//! use softlockup::dmesg::{Message, parse};
//!
//! let log = "[  360.462046] watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]";
//! let entry = &parse(log.as_bytes())[0];
//! assert_eq!(entry.time.map(|time| time.to_string()).as_deref(), Some("360.462046"));
//! let Message::SoftLockup { cpu, secs, .. } = entry.message else { panic!("it is another line") };
//! assert_eq!((cpu, secs), (CpuId(35), 22));
//! ```
//!
//! # Write a scenario
//!
//! A machine is a [`Config`](crate::Config), parts, and tasks. Here CPU 2 computes with interrupts off for half a minute,
//! and CPU 1 calls every CPU meanwhile:
//!
//! ```
//! use softlockup::incident::report::diagnosis::Cause;
//! use softlockup::kernel::irq;
//! use softlockup::kernel::smp::kick_all_cpus_sync;
//! use softlockup::time::NSEC_PER_SEC;
//! use softlockup::{Config, CpuId, KernelTime, Machine, Parts, Task};
//!
//! let config = Config { nr_cpus: 4, until: KernelTime::from_secs(120), ..Config::default() };
//! let mut machine = Machine::new(config, Parts::stock())?;
//! machine.spawn(CpuId(2), Task::new("masked", 1, KernelTime::from_secs(60), |cpu| {
//!     let _irq = irq::disable_local(cpu);
//!     cpu.spend(30 * NSEC_PER_SEC);
//! }));
//! machine.spawn(CpuId(1), Task::new("caller", 2, KernelTime::from_secs(61), |cpu| kick_all_cpus_sync(cpu)));
//! let report = machine.run()?.incident.report();
//! assert_eq!(report.soft_lockups[0].cpu, CpuId(1));
//! assert_eq!(report.diagnosis.cause, Cause::SlowCpu);
//! assert_eq!(report.diagnosis.cpus, [CpuId(2)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One that others are to live through, on machines of other parts, is a [`Scenario`](crate::Scenario).
//!
//! # Keep a run
//!
//! ```
//! use softlockup::scenario::lost_ipi::LostIpi;
//! use softlockup::{Incident, Scenario};
//!
//! let incident = LostIpi::default().machine()?.run()?.incident;
//! let mut file = Vec::new();
//! incident.save(&mut file)?;
//! assert_eq!(Incident::load(&file[..])?, incident);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
