use softlockup::parts::call_many::KernelCallMany;
use softlockup::parts::call_queue::KernelCallQueue;
use softlockup::parts::contract::{
    call_many, call_queue, csd_lock, die_chain, die_lock, irq_state,
};
use softlockup::parts::csd_lock::KernelCsdLock;
use softlockup::parts::die_chain::KernelDieChain;
use softlockup::parts::die_lock::{Arm64DieLock, NestingDieLock};
use softlockup::parts::erased::{
    DynCallMany, DynCallQueue, DynCsdLock, DynDieChain, DynDieLock, Erased,
};
use softlockup::parts::irq_state::{IrqState, KernelIrqState};

#[test]
fn an_erased_part_keeps_the_rules_that_it_keeps_itself() {
    let lock = || Erased::<dyn DynDieLock>(Box::new(NestingDieLock::new()));
    assert_eq!(die_lock::excludes(lock), Ok(()));
    assert_eq!(die_lock::nests(lock), Ok(()));
    assert_eq!(die_lock::survives_the_task(lock), Ok(()));
    assert_eq!(irq_state::all(|| Erased::<dyn IrqState>(Box::<KernelIrqState>::default())), Ok(()));
    assert_eq!(csd_lock::all(|| Erased::<dyn DynCsdLock>(Box::new(KernelCsdLock))), Ok(()));
    assert_eq!(
        call_queue::all(|| Erased::<dyn DynCallQueue>(Box::<KernelCallQueue>::default())),
        Ok(())
    );
    assert_eq!(call_many::all(|| Erased::<dyn DynCallMany>(Box::new(KernelCallMany))), Ok(()));
    assert_eq!(
        die_chain::calls_all_in_order(|| Erased::<dyn DynDieChain>(Box::new(KernelDieChain))),
        Ok(())
    );
}

#[test]
fn an_erased_part_breaks_the_rules_that_it_breaks_itself() {
    let lock = || Erased::<dyn DynDieLock>(Box::new(Arm64DieLock::new()));
    assert_eq!(die_lock::nests(lock), die_lock::nests(Arm64DieLock::new));
    assert!(die_lock::nests(lock).is_err());
    let chain = || Erased::<dyn DynDieChain>(Box::new(KernelDieChain));
    let itself = die_chain::survives_a_faulting_callback(|| KernelDieChain);
    assert_eq!(die_chain::survives_a_faulting_callback(chain), itself);
    assert!(itself.is_err());
}
